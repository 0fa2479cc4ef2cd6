// A connection's records: mbedTLS's work until a direction's key is updated
// (RFC 8446, section 4.6.3), which mbedTLS 3.6 does not know; from then on
// RecordReceiver's or RecordSender's. Included by this folder's sources only.
#pragma once

#include <mbedtls/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "tls/config.h"
#include "tls/key_schedule.h"
#include "tls/record_layer.h"

namespace tonio::tls {

// Not thread-safe, as the Engine. The functions return mbedTLS's codes, or what
// they are said to.
class Records {
 public:
  struct Transport {
    void* object;
    mbedtls_ssl_send_t* send;
    mbedtls_ssl_recv_t* receive;
  };

  // `ssl` and `transport` outlive it. Sets callbacks of `ssl`, whose transport
  // it is from now on.
  Records(mbedtls_ssl_context& ssl, Side own_side, const Transport& transport);
  Records(const Records&) = delete;
  Records& operator=(const Records&) = delete;

  // As mbedtls_ssl_read(), for a buffer that is not empty and after the
  // handshake, but the end of the input is MBEDTLS_ERR_SSL_CONN_EOF.
  int read(std::span<unsigned char> buffer);
  // As mbedtls_ssl_write(). The answer to a peer that has asked for a new key
  // goes out first.
  int write(std::span<const unsigned char> data);
  // As mbedtls_ssl_send_alert_message().
  int send_alert(unsigned char level, unsigned char description);
  // Sends a KeyUpdate, after the handshake of a TLS 1.3 connection; `request`:
  // the peer is to update its key, too. 0, or a code.
  int update_key(bool request);

  // Null while mbedTLS receives.
  const RecordReceiver* receiver() const { return receiver_.get(); }

 private:
  static void keep_secret(void* object, mbedtls_ssl_key_export_type type,
                          const unsigned char* secret, std::size_t size,
                          const unsigned char client_random[32],
                          const unsigned char server_random[32], mbedtls_tls_prf_types prf);

  bool at_key_update() const;
  bool update_is_due() const;
  std::uint64_t sent_by_mbedtls() const;
  void take_over_receiving();
  void take_over_sending();
  Suite suite() const;
  Secret take_secret(Side whose);

  mbedtls_ssl_context& ssl_;
  const Side side_;
  const Transport transport_;
  // A TLS 1.3 connection's first application traffic secrets, until their
  // direction is taken over.
  Secret client_secret_;
  Secret server_secret_;
  std::unique_ptr<RecordReceiver> receiver_;  // from the peer's first KeyUpdate
  std::unique_ptr<RecordSender> sender_;      // from our first KeyUpdate
};

}  // namespace tonio::tls
