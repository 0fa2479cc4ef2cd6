// What TLS 1.3 makes of a traffic secret (RFC 8446, section 7). Included by this
// folder's sources only.
#pragma once

#include <mbedtls/cipher.h>
#include <mbedtls/md.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace tonio::tls {

// Bytes that are erased from memory when they are no longer needed.
class Secret {
 public:
  static constexpr std::size_t kMaxSize = 48;  // SHA-384's

  Secret() = default;
  // At most kMaxSize bytes.
  explicit Secret(std::span<const unsigned char> bytes);
  ~Secret() { erase(); }
  // The other one is empty afterwards.
  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;

  void erase();
  bool empty() const { return size_ == 0; }
  std::span<const unsigned char> bytes() const { return std::span(bytes_).first(size_); }

 private:
  std::array<unsigned char, kMaxSize> bytes_{};
  std::size_t size_ = 0;
};

// A cipher suite's parts (RFC 8446, appendix B.4).
struct Suite {
  mbedtls_cipher_type_t cipher;
  mbedtls_md_type_t hash;
};

// Of a TLS 1.3 suite by its number; none for those that Config does not offer.
std::optional<Suite> suite_of(int number);

// HKDF-Expand-Label without a context (section 7.1): fills `into`, at most
// kMaxSize bytes. `label` has at most 249 bytes. Throws std::bad_alloc, as all
// that is made of it: mbedTLS fails at it only without memory.
void expand_label(mbedtls_md_type_t hash, std::span<const unsigned char> secret,
                  std::string_view label, std::span<unsigned char> into);

// application_traffic_secret_N+1 (section 7.2).
Secret next_generation(mbedtls_md_type_t hash, const Secret& secret);

}  // namespace tonio::tls
