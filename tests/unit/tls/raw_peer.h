// A TLS 1.3 peer that makes its handshake with mbedTLS and its records by hand:
// it sends what mbedTLS would not.
#pragma once

#include <doctest/doctest.h>
#include <mbedtls/ssl.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tls/config_parts.h"
#include "tls/record_cipher.h"
#include "unit/tls/engines.h"

namespace tonio::tls {

class RawPeer {
 public:
  // Of the side that `settings` are for; `suite` is the only one it takes.
  explicit RawPeer(Settings settings, int suite = 0x1301)
      : config_(config(at_13(std::move(settings)))), suites_{suite, 0} {
    mbedtls_ssl_conf_ciphersuites(&config_->parts().config, suites_);
    mbedtls_ssl_init(&ssl);
    REQUIRE(mbedtls_ssl_setup(&ssl, &config_->parts().config) == 0);
    if (client()) REQUIRE(mbedtls_ssl_set_hostname(&ssl, "server.test") == 0);
    mbedtls_ssl_set_bio(&ssl, this, send, receive, nullptr);
    mbedtls_ssl_set_export_keys_cb(&ssl, keep_secret, this);
  }
  ~RawPeer() { mbedtls_ssl_free(&ssl); }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  bool client() const { return config_->settings().side == Side::kClient; }

  // One step of the handshake, with the other side's.
  void carry_to(Engine& engine) { engine.add_input(std::exchange(output, {})); }
  void carry_from(Engine& engine) {
    Bytes bytes;
    engine.take_output(bytes);
    input.insert(input.end(), bytes.begin(), bytes.end());
  }
  void shake(Engine& engine) {
    for (int round = 0; round < 6; ++round) {
      (void)mbedtls_ssl_handshake(&ssl);
      carry_to(engine);
      (void)engine.handshake();
      carry_from(engine);
    }
    REQUIRE(mbedtls_ssl_is_handshake_over(&ssl));
    REQUIRE(engine.handshake_done());
    take_records_over();
  }

  // From here on this makes the records, not mbedTLS.
  void take_records_over() {
    using enum Side;
    sending.emplace(used_suite(), Secret{secret(client() ? kClient : kServer)},
                    number(ssl.MBEDTLS_PRIVATE(cur_out_ctr)));
    receiving.emplace(used_suite(), Secret{secret(client() ? kServer : kClient)},
                      number(ssl.MBEDTLS_PRIVATE(in_ctr)));
  }
  void take_handshake_records_over() {
    sending.emplace(used_suite(), Secret{secrets_.at(client_handshake())},
                    number(ssl.MBEDTLS_PRIVATE(cur_out_ctr)));
  }

  void send_content(ContentType type, const Bytes& content) {
    sending->seal(type, content, output);
  }
  void send_data(const std::string& text) {
    for (std::size_t at = 0; at < text.size(); at += kMaxContent) {
      const std::string part = text.substr(at, kMaxContent);
      send_content(ContentType::kApplicationData, {part.begin(), part.end()});
    }
  }
  void send_update(unsigned char request) {
    send_content(ContentType::kHandshake, {24, 0, 0, 1, request});
    sending->update();
  }

  using Content = std::pair<int, std::string>;
  // The next record: its type and content. A KeyUpdate is followed.
  std::optional<Content> receive_content() {
    if (input.size() < kRecordHeaderSize) return std::nullopt;
    const std::size_t size = kRecordHeaderSize + (std::size_t{input[3]} << 8 | input[4]);
    REQUIRE(input.size() >= size);
    RecordCipher::Failure failure{};
    const auto opened = receiving->open(std::span(input).first(size), failure);
    REQUIRE(opened);
    Content content{opened->type, {opened->content.begin(), opened->content.end()}};
    input.erase(input.begin(), input.begin() + static_cast<long>(size));
    if (content.first == 22 && content.second[0] == 24) receiving->update();
    return content;
  }
  // All data, which nothing may be among.
  std::string receive_data() {
    std::string text;
    while (const auto content = receive_content()) {
      REQUIRE(content->first == 23);
      text += content->second;
    }
    return text;
  }

  std::vector<unsigned char> secret(Side whose) const {
    return secrets_.at(whose == Side::kClient
                           ? MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET
                           : MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET);
  }
  Suite used_suite() const { return *suite_of(suites_[0]); }

  mbedtls_ssl_context ssl;
  Bytes input;
  Bytes output;
  std::optional<RecordCipher> sending;
  std::optional<RecordCipher> receiving;

  static int send(void* object, const unsigned char* data, std::size_t size) {
    Bytes& output = static_cast<RawPeer*>(object)->output;
    output.insert(output.end(), data, data + size);
    return static_cast<int>(size);
  }
  static int receive(void* object, unsigned char* data, std::size_t size) {
    Bytes& input = static_cast<RawPeer*>(object)->input;
    if (input.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    size = std::min(size, input.size());
    std::memcpy(data, input.data(), size);
    input.erase(input.begin(), input.begin() + static_cast<long>(size));
    return static_cast<int>(size);
  }

 private:
  static Settings at_13(Settings settings) {
    settings.minimum = settings.maximum = Version::kTls13;
    return settings;
  }
  static mbedtls_ssl_key_export_type client_handshake() {
    return MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_HANDSHAKE_TRAFFIC_SECRET;
  }
  static std::uint64_t number(const unsigned char* bytes) {
    std::uint64_t number = 0;
    for (int i = 0; i < 8; ++i) number = number << 8 | bytes[i];
    return number;
  }
  static void keep_secret(void* object, mbedtls_ssl_key_export_type type,
                          const unsigned char* secret, std::size_t size, const unsigned char*,
                          const unsigned char*, mbedtls_tls_prf_types) {
    static_cast<RawPeer*>(object)->secrets_[type].assign(secret, secret + size);
  }

  const std::shared_ptr<const Config> config_;
  const int suites_[2];
  std::map<mbedtls_ssl_key_export_type, std::vector<unsigned char>> secrets_;
};

}  // namespace tonio::tls
