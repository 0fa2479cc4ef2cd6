// TLS 1.3's record layer after the handshake (RFC 8446, section 5), for
// connections whose keys were updated (section 4.6.3), which mbedTLS 3.6 can't
// do. Two halves, because either direction's first update comes at its own
// time; see records.h. Included by this folder's sources only.
//
// They return what mbedTLS's functions of the same purpose return: a size, or
// one of mbedTLS's negative codes. Not thread-safe, as the Engine.
#pragma once

#include <mbedtls/ssl.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tls/config.h"
#include "tls/record_cipher.h"

namespace tonio::tls {

// AES-GCM should not protect more than 2^24.5 records with one key (section
// 5.5).
constexpr std::uint64_t kRecordsPerKey = std::uint64_t{1} << 24;

// The transport's functions get `object`, as mbedtls_ssl_set_bio() has them.
class RecordReceiver {
 public:
  // `secret`: the peer's.
  RecordReceiver(Side own_side, const Suite& suite, Secret secret, mbedtls_ssl_recv_t* receive,
                 void* object)
      : client_(own_side == Side::kClient),
        cipher_(suite, std::move(secret)),
        receive_(receive),
        object_(object) {}

  // As mbedtls_ssl_read(), for a buffer that is not empty, but the end of the
  // input is MBEDTLS_ERR_SSL_CONN_EOF. Where refuses() is true afterwards,
  // alert() is to be sent.
  int read(std::span<unsigned char> buffer);

  // Takes the content of a handshake record, as read() does. 0, or a code.
  int handle_handshake(std::span<const unsigned char> content);

  // The peer wants our key to be updated, too, before more data is sent.
  bool update_requested() const { return update_requested_; }
  void update_answered() { update_requested_ = false; }

  bool refuses() const { return refuses_; }
  // AlertDescription (section 6): what to refuse the peer with, or what the
  // peer has refused with, after MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE.
  unsigned char alert() const { return alert_; }
  // Whether the peer was refused because it sends messages and no data.
  bool flooded() const { return idle_messages_ > kMaxIdleMessages; }

 private:
  // What a peer may send in a row besides data: BoringSSL's number.
  static constexpr int kMaxIdleMessages = 32;
  static constexpr std::size_t kHandshakeHeaderSize = 4;

  int receive_record();
  int fill(std::size_t size);
  int handle_alert(std::span<const unsigned char> content);
  int handle_key_update(unsigned char request, bool ends_record);
  int count_idle_message();
  int refuse(int code, unsigned char alert);

  const bool client_;
  RecordCipher cipher_;
  mbedtls_ssl_recv_t* const receive_;
  void* const object_;
  std::vector<unsigned char> record_;    // as far as it is there
  std::size_t filled_ = 0;               // of record_
  std::span<const unsigned char> data_;  // in record_: what read() gives next
  // A handshake message may come in parts: its header and, of a KeyUpdate, the
  // one byte after it. The rest of other messages is passed over.
  std::array<unsigned char, kHandshakeHeaderSize + 1> message_{};
  std::size_t message_size_ = 0;
  std::size_t to_skip_ = 0;
  int idle_messages_ = 0;
  bool update_requested_ = false;
  bool refuses_ = false;
  unsigned char alert_ = 0;
};

class RecordSender {
 public:
  // `sequence`: how many records were sent with the key of `secret`.
  // `max_content`: of one record, at most kMaxContent.
  RecordSender(const Suite& suite, Secret secret, std::uint64_t sequence, std::size_t max_content,
               mbedtls_ssl_send_t* send, void* object)
      : cipher_(suite, std::move(secret), sequence),
        max_content_(max_content),
        send_(send),
        object_(object) {}

  // As mbedtls_ssl_write(): one record, and how much of `data` it has taken.
  int write(std::span<const unsigned char> data);
  // As mbedtls_ssl_send_alert_message(): 0, or a code.
  int send_alert(unsigned char level, unsigned char description);
  // Says that the next key is used from now on. `request`: the peer is to do
  // the same.
  int update_key(bool request);
  // How many with the current key.
  std::uint64_t records_sent() const { return cipher_.sequence(); }

 private:
  int send_record(ContentType type, std::span<const unsigned char> content);

  RecordCipher cipher_;
  const std::size_t max_content_;
  mbedtls_ssl_send_t* const send_;
  void* const object_;
  std::vector<unsigned char> record_;
};

}  // namespace tonio::tls
