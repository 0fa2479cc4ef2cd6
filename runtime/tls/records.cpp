#include "tls/records.h"

#include <mbedtls/platform_util.h>

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace tonio::tls {
namespace {

// HandshakeType key_update (RFC 8446, section 4).
constexpr unsigned char kKeyUpdate = 24;

int send_nothing(void*, const unsigned char*, std::size_t size) { return static_cast<int>(size); }

}  // namespace

Records::Records(mbedtls_ssl_context& ssl, Side own_side, const Transport& transport)
    : ssl_(ssl), side_(own_side), transport_(transport) {
  mbedtls_ssl_set_bio(&ssl, transport.object, transport.send, transport.receive, nullptr);
  mbedtls_ssl_set_export_keys_cb(&ssl, keep_secret, this);
}

void Records::keep_secret(void* object, mbedtls_ssl_key_export_type type,
                          const unsigned char* secret, std::size_t size, const unsigned char*,
                          const unsigned char*, mbedtls_tls_prf_types) {
  auto& self = *static_cast<Records*>(object);
  if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET)
    self.client_secret_ = Secret({secret, size});
  else if (type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET)
    self.server_secret_ = Secret({secret, size});
}

int Records::read(std::span<unsigned char> buffer) {
  if (receiver_) return receiver_->read(buffer);
  const int code = mbedtls_ssl_read(&ssl_, buffer.data(), buffer.size());
  if (code == 0) return MBEDTLS_ERR_SSL_CONN_EOF;
  if (code != MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE || !at_key_update()) return code;
  // Nothing is lost: mbedTLS fetches one record at a time and has given all data
  // that came before, and has neither sent an alert nor changed its state.
  take_over_receiving();
  const int result =
      receiver_->handle_handshake({ssl_.MBEDTLS_PRIVATE(in_msg), ssl_.MBEDTLS_PRIVATE(in_msglen)});
  return result != 0 ? result : receiver_->read(buffer);
}

int Records::write(std::span<const unsigned char> data) {
  if (update_is_due()) {
    if (const int code = update_key(false); code != 0) return code;
  }
  return sender_ ? sender_->write(data) : mbedtls_ssl_write(&ssl_, data.data(), data.size());
}

int Records::send_alert(unsigned char level, unsigned char description) {
  return sender_ ? sender_->send_alert(level, description)
                 : mbedtls_ssl_send_alert_message(&ssl_, level, description);
}

int Records::update_key(bool request) {
  if (!sender_) take_over_sending();
  if (receiver_) receiver_->update_answered();
  return sender_->update_key(request);
}

bool Records::update_is_due() const {
  if (receiver_ && receiver_->update_requested()) return true;
  if (sender_) return sender_->records_sent() >= kRecordsPerKey;
  return sent_by_mbedtls() >= kRecordsPerKey &&
         mbedtls_ssl_get_version_number(&ssl_) == MBEDTLS_SSL_VERSION_TLS1_3;
}

// mbedTLS has no other way to ask for these, here and below.
bool Records::at_key_update() const {
  return mbedtls_ssl_get_version_number(&ssl_) == MBEDTLS_SSL_VERSION_TLS1_3 &&
         ssl_.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_HANDSHAKE_OVER &&
         ssl_.MBEDTLS_PRIVATE(in_msgtype) == MBEDTLS_SSL_MSG_HANDSHAKE &&
         ssl_.MBEDTLS_PRIVATE(in_msglen) > 0 && ssl_.MBEDTLS_PRIVATE(in_msg)[0] == kKeyUpdate;
}

std::uint64_t Records::sent_by_mbedtls() const {
  std::uint64_t number = 0;
  for (const unsigned char byte : ssl_.MBEDTLS_PRIVATE(cur_out_ctr)) number = number << 8 | byte;
  return number;
}

void Records::take_over_receiving() {
  const Side peer = side_ == Side::kClient ? Side::kServer : Side::kClient;
  receiver_ = std::make_unique<RecordReceiver>(side_, suite(), take_secret(peer),
                                               transport_.receive, transport_.object);
}

void Records::take_over_sending() {
  // Its records have gone out whole.
  TONIO_CHECK(ssl_.MBEDTLS_PRIVATE(out_left) == 0);
  const int most = mbedtls_ssl_get_max_out_record_payload(&ssl_);
  TONIO_CHECK(most > 0);
  sender_ = std::make_unique<RecordSender>(suite(), take_secret(side_), sent_by_mbedtls(),
                                           std::min(static_cast<std::size_t>(most), kMaxContent),
                                           transport_.send, transport_.object);
  // Should mbedTLS refuse what it still receives, its alert must not go out: two
  // records of one number under one key give the key away.
  mbedtls_ssl_set_bio(&ssl_, transport_.object, send_nothing, transport_.receive, nullptr);
}

Suite Records::suite() const {
  const auto suite = suite_of(mbedtls_ssl_get_ciphersuite_id_from_ssl(&ssl_));
  TONIO_CHECK(suite);  // Config offers no other
  return *suite;
}

// Whoever learns a later secret must not learn the earlier ones from it: mbedTLS's
// copy goes, too.
Secret Records::take_secret(Side whose) {
  auto& copies = ssl_.MBEDTLS_PRIVATE(session)->MBEDTLS_PRIVATE(app_secrets);
  auto& copy = whose == Side::kClient ? copies.client_application_traffic_secret_N
                                      : copies.server_application_traffic_secret_N;
  mbedtls_platform_zeroize(copy, sizeof copy);
  Secret& secret = whose == Side::kClient ? client_secret_ : server_secret_;
  TONIO_CHECK(!secret.empty());
  return std::move(secret);
}

}  // namespace tonio::tls
