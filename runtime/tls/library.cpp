#include "tls/library.h"

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/cipher.h>
#include <mbedtls/ecp.h>
#include <mbedtls/entropy.h>
#include <mbedtls/error.h>
#include <mbedtls/md.h>
#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>
#include <psa/crypto.h>

#include <array>
#include <cstdio>
#include <new>

#include "base/check.h"

namespace tonio::tls {
namespace {

struct Words {
  int code;
  const char* text;
};

// What a peer or a file can bring about. The rest is mbedTLS's own text.
constexpr std::array kErrors{
    Words{MBEDTLS_ERR_SSL_INVALID_RECORD, "what the peer sent is not TLS"},
    Words{MBEDTLS_ERR_SSL_INVALID_MAC, "a record was tampered with or damaged on its way"},
    Words{MBEDTLS_ERR_SSL_CONN_EOF, "the peer ended the connection without a close_notify"},
    Words{MBEDTLS_ERR_SSL_DECODE_ERROR, "the peer sent a message that can't be read"},
    Words{MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, "the peer sent a value that TLS does not allow"},
    Words{MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, "the peer sent a message out of turn"},
    Words{MBEDTLS_ERR_SSL_UNEXPECTED_RECORD, "the peer sent a record out of turn"},
    Words{MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION, "no TLS version in common with the peer"},
    Words{MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE,
          "no cipher, key exchange or signature in common with the peer"},
    Words{MBEDTLS_ERR_SSL_NO_APPLICATION_PROTOCOL, "no ALPN protocol in common with the peer"},
    Words{MBEDTLS_ERR_SSL_UNRECOGNIZED_NAME,
          "the server has no certificate for the name asked for"},
    Words{MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE, "the client sent no certificate"},
    Words{MBEDTLS_ERR_SSL_BAD_CERTIFICATE, "the peer's certificate is not acceptable"},
    Words{MBEDTLS_ERR_SSL_CA_CHAIN_REQUIRED, "no trusted certificates to verify the peer with"},
    Words{MBEDTLS_ERR_SSL_PRIVATE_KEY_REQUIRED, "no certificate with a private key is loaded"},
    Words{MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, "the peer's certificate is not acceptable"},
};

// RFC 8446, section 6.2, and RFC 5246, section 7.2.
constexpr std::array kAlerts{
    Words{10, "unexpected message"},
    Words{20, "bad record"},
    Words{21, "decryption failed"},
    Words{22, "record too long"},
    Words{30, "decompression failed"},
    Words{40, "handshake failure"},
    Words{41, "no certificate"},
    Words{42, "bad certificate"},
    Words{43, "unsupported certificate"},
    Words{44, "certificate revoked"},
    Words{45, "certificate expired"},
    Words{46, "certificate unknown"},
    Words{47, "illegal parameter"},
    Words{48, "unknown certificate authority"},
    Words{49, "access denied"},
    Words{50, "decode error"},
    Words{51, "decrypt error"},
    Words{70, "protocol version not supported"},
    Words{71, "insufficient security"},
    Words{80, "internal error"},
    Words{86, "inappropriate fallback"},
    Words{90, "user cancelled"},
    Words{100, "no renegotiation"},
    Words{109, "missing extension"},
    Words{110, "unsupported extension"},
    Words{112, "unrecognised name"},
    Words{113, "bad certificate status response"},
    Words{115, "unknown PSK identity"},
    Words{116, "certificate required"},
    Words{120, "no application protocol"},
};

}  // namespace

void initialise_library() {
  // Tried again where it has thrown.
  static const bool done = [] {
    const psa_status_t status = psa_crypto_init();
    if (status == PSA_ERROR_INSUFFICIENT_MEMORY) throw std::bad_alloc();
    TONIO_CHECK(status == PSA_SUCCESS);
    return true;
  }();
  (void)done;
}

int fill_random(void*, unsigned char* buffer, std::size_t size) {
  return psa_generate_random(buffer, size) == PSA_SUCCESS ? 0 : MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
}

bool is_out_of_memory(int code) {
  // Sums of a high-level code (multiples of 0x80) and a low-level one.
  const int high = -(-code & 0xff80);
  const int low = -(-code & 0x7f);
  for (const int wanted :
       {MBEDTLS_ERR_SSL_ALLOC_FAILED, MBEDTLS_ERR_X509_ALLOC_FAILED, MBEDTLS_ERR_PK_ALLOC_FAILED,
        MBEDTLS_ERR_ECP_ALLOC_FAILED, MBEDTLS_ERR_MD_ALLOC_FAILED, MBEDTLS_ERR_CIPHER_ALLOC_FAILED,
        MBEDTLS_ERR_PEM_ALLOC_FAILED}) {
    if (high == wanted) return true;
  }
  return low == MBEDTLS_ERR_MPI_ALLOC_FAILED || low == MBEDTLS_ERR_ASN1_ALLOC_FAILED ||
         code == PSA_ERROR_INSUFFICIENT_MEMORY;
}

std::string describe_error(int code) {
  if (is_out_of_memory(code)) throw std::bad_alloc();
  for (const Words& known : kErrors) {
    if (known.code == code) return known.text;
  }
  // Sums of a high-level code (multiples of 0x80) and a low-level one.
  const int high = -(-code & 0xff80);
  for (const Words& known : kErrors) {
    if (known.code == high) return known.text;
  }
  char text[160];
  mbedtls_strerror(code, text, sizeof text);
  return text;
}

std::string describe_alert(unsigned number) {
  for (const Words& known : kAlerts) {
    if (known.code == static_cast<int>(number)) return known.text;
  }
  return "alert " + std::to_string(number);
}

}  // namespace tonio::tls
