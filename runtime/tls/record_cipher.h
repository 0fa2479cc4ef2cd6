// The protection of TLS 1.3's records (RFC 8446, section 5.2 to 5.4), of one
// direction. Included by this folder's sources only.
#pragma once

#include <mbedtls/cipher.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "tls/key_schedule.h"

namespace tonio::tls {

// ContentType (section 5.1).
enum class ContentType : unsigned char {
  kAlert = 21,
  kHandshake = 22,
  kApplicationData = 23,
};

constexpr std::size_t kRecordHeaderSize = 5;
// The content of a record, and how much protection adds at most: the type,
// padding, the tag.
constexpr std::size_t kMaxContent = std::size_t{1} << 14;
constexpr std::size_t kMaxExpansion = 256;

// A traffic secret, the key and the IV made of it, and the number of the next
// record.
class RecordCipher {
 public:
  // `secret` has the size of the suite's hash. `sequence`: how many records the
  // key has protected already.
  RecordCipher(const Suite& suite, Secret secret, std::uint64_t sequence = 0);
  ~RecordCipher();
  RecordCipher(const RecordCipher&) = delete;
  RecordCipher& operator=(const RecordCipher&) = delete;

  // Goes on with the next generation's key, and forgets this one's.
  void update();

  std::uint64_t sequence() const { return sequence_; }

  // Appends a protected record with at most kMaxContent bytes of content.
  void seal(ContentType type, std::span<const unsigned char> content,
            std::vector<unsigned char>& into);

  struct Opened {
    unsigned char type;
    std::span<unsigned char> content;  // in the record
  };
  enum class Failure { kNotAuthentic, kNoType, kTooLong };
  // Decrypts a whole record, header included, in its place. None with the
  // reason in `failure`.
  std::optional<Opened> open(std::span<unsigned char> record, Failure& failure);

 private:
  static constexpr std::size_t kIvSize = 12;
  static constexpr std::size_t kTagSize = 16;
  using Nonce = std::array<unsigned char, kIvSize>;

  void derive();
  Nonce next_nonce();

  const Suite suite_;
  Secret secret_;
  mbedtls_cipher_context_t cipher_;
  Nonce iv_{};
  std::uint64_t sequence_;
};

}  // namespace tonio::tls
