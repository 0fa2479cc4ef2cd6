// What a peer that has the keys can send to the record layer that follows
// mbedTLS's. The first byte of an input says whose records they are (bit 0: a
// server's) and into how many bytes a time they come (the rest, 0: all at once).
// Then records follow, each as
//   what it is (one byte): bits 0 and 1 the content type; bit 2 sent as it is,
//   not protected; bit 3 the key is updated after it
//   the content's size (one byte), and the content
#include <mbedtls/ssl.h>

#include <algorithm>
#include <span>
#include <string>

#include "base/check.h"
#include "fuzz/target.h"
#include "tls/record_layer.h"

using namespace tonio::tls;

namespace {

using Bytes = std::vector<unsigned char>;

constexpr ContentType kTypes[] = {ContentType::kApplicationData, ContentType::kHandshake,
                                  ContentType::kAlert, static_cast<ContentType>(0)};

// What a receiver takes for data. Zeros at the end are padding, and before them stands the
// content type (RFC 8446, section 5.4): content that is sent as of type 0 has its own.
std::span<const unsigned char> data_in(ContentType type, std::span<const unsigned char> content) {
  if (type == ContentType::kApplicationData) return content;
  if (type != static_cast<ContentType>(0)) return {};
  while (!content.empty() && content.back() == 0) content = content.first(content.size() - 1);
  const auto data = static_cast<unsigned char>(ContentType::kApplicationData);
  if (content.empty() || content.back() != data) return {};
  return content.first(content.size() - 1);
}

struct Wire {
  std::span<const unsigned char> bytes;

  static int receive(void* object, unsigned char* data, std::size_t size) {
    auto& bytes = static_cast<Wire*>(object)->bytes;
    if (bytes.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
    size = std::min(size, bytes.size());
    std::copy_n(bytes.begin(), size, data);
    bytes = bytes.subspan(size);
    return static_cast<int>(size);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Suite suite = *suite_of(0x1301);
  const Bytes secret(32, 9);
  RecordCipher peer(suite, Secret{secret});
  std::span<const std::uint8_t> input(data + 1, size - 1);
  const Side own_side = *data & 1 ? Side::kClient : Side::kServer;
  const std::size_t piece = *data >> 1 ? *data >> 1 : std::size_t{1} << 20;

  Bytes sent;
  std::string expected;
  while (input.size() >= 2) {
    const unsigned what = input[0];
    const auto content = input.subspan(2, std::min<std::size_t>(input[1], input.size() - 2));
    input = input.subspan(2 + content.size());
    const ContentType type = kTypes[what & 3];
    if (what & 4) {
      sent.insert(sent.end(), content.begin(), content.end());
    } else {
      peer.seal(type, content, sent);
      const auto part = data_in(type, content);
      expected.append(part.begin(), part.end());
    }
    if (what & 8) peer.update();
  }

  Wire wire;
  RecordReceiver receiver(own_side, suite, Secret{secret}, Wire::receive, &wire);
  std::string got;
  int code = MBEDTLS_ERR_SSL_WANT_READ;
  for (std::size_t at = 0; at < sent.size() && code == MBEDTLS_ERR_SSL_WANT_READ; at += piece) {
    wire.bytes = std::span(sent).subspan(at, std::min(piece, sent.size() - at));
    unsigned char buffer[50];
    while ((code = receiver.read(buffer)) > 0) {
      TONIO_CHECK(static_cast<std::size_t>(code) <= sizeof buffer);
      got.append(reinterpret_cast<const char*>(buffer), static_cast<std::size_t>(code));
    }
    TONIO_CHECK(code < 0);
  }
  // Nothing but what was sent as data, and in order.
  TONIO_CHECK(expected.starts_with(got));
  TONIO_CHECK(receiver.refuses() ==
              (code != MBEDTLS_ERR_SSL_WANT_READ && code != MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY &&
               code != MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE));
  return 0;
}

std::vector<std::string> fuzz_seeds() {
  const std::string hello("\x00\x05hello", 7);
  const std::string update("\x09\x05\x18\0\0\x01\x01", 7);
  const std::string ticket("\x01\x06\x04\0\0\x02xx", 8);
  const std::string parts("\x01\x02\x18\0\x09\x03\0\x01\0", 9);
  const std::string close("\x02\x02\x01\0", 4);
  const std::string refused("\x02\x02\x02\x14", 4);
  const std::string typed("\x03\x08hello\x17\0\0", 10);
  const std::string plain("\x04\x07\x15\x03\x03\0\x02\x01\0", 9);
  std::vector<std::string> seeds;
  for (const char first : {'\0', '\1', '\2', '\3', '\x15'}) {
    const std::string begin(1, first);
    seeds.push_back(begin + hello + update + hello + update + hello + close);
    seeds.push_back(begin + ticket + parts + hello + ticket + update + refused);
    seeds.push_back(begin + update + hello + plain + hello);
    seeds.push_back(begin + typed + hello);
  }
  return seeds;
}
