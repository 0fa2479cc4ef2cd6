#include "tls/verification.h"

#include <arpa/inet.h>
#include <mbedtls/oid.h>

#include <array>
#include <cstring>
#include <new>

#include "tls/x509.h"

namespace tonio::tls {
namespace {

struct Reason {
  std::uint32_t flag;
  const char* text;
};

constexpr std::array kReasons{
    Reason{MBEDTLS_X509_BADCERT_EXPIRED, "certificate has expired"},
    Reason{MBEDTLS_X509_BADCERT_FUTURE, "certificate is not yet valid"},
    Reason{MBEDTLS_X509_BADCERT_REVOKED, "certificate has been revoked"},
    Reason{MBEDTLS_X509_BADCERT_NOT_TRUSTED, "certificate has an unknown issuer"},
    Reason{MBEDTLS_X509_BADCERT_KEY_USAGE, "certificate's key usage does not allow this use"},
    Reason{MBEDTLS_X509_BADCERT_EXT_KEY_USAGE,
           "certificate's extended key usage does not allow this use"},
    Reason{MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "certificate's type does not allow this use"},
    Reason{MBEDTLS_X509_BADCERT_BAD_MD, "certificate is signed with a hash that is too weak"},
    Reason{MBEDTLS_X509_BADCERT_BAD_PK, "certificate has a kind of key that is not accepted"},
    Reason{MBEDTLS_X509_BADCERT_BAD_KEY, "certificate has a key that is too weak"},
    Reason{MBEDTLS_X509_BADCERT_MISSING, "the peer has sent no certificate"},
    Reason{MBEDTLS_X509_BADCRL_NOT_TRUSTED, "revocation list has an unknown issuer"},
    Reason{MBEDTLS_X509_BADCRL_EXPIRED, "revocation list has expired"},
    Reason{MBEDTLS_X509_BADCRL_FUTURE, "revocation list is not yet valid"},
    Reason{MBEDTLS_X509_BADCRL_BAD_MD, "revocation list is signed with a hash that is too weak"},
    Reason{MBEDTLS_X509_BADCRL_BAD_PK, "revocation list has a kind of key that is not accepted"},
    Reason{MBEDTLS_X509_BADCRL_BAD_KEY, "revocation list has a key that is too weak"},
};

bool has_address(const mbedtls_x509_crt& certificate, const std::string& address) {
  if (!mbedtls_x509_crt_has_ext_type(&certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) return false;
  unsigned char wanted[16];
  std::size_t size = 4;
  if (inet_pton(AF_INET, address.c_str(), wanted) != 1) {
    size = 16;
    if (inet_pton(AF_INET6, address.c_str(), wanted) != 1) return false;
  }
  for (const auto* san = &certificate.subject_alt_names; san; san = san->next) {
    const auto type = static_cast<unsigned>(san->buf.tag) & MBEDTLS_ASN1_TAG_VALUE_MASK;
    if (type == MBEDTLS_X509_SAN_IP_ADDRESS && san->buf.len == size &&
        std::memcmp(san->buf.p, wanted, size) == 0) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool is_address(const std::string& name) {
  unsigned char bytes[16];
  return inet_pton(AF_INET, name.c_str(), bytes) == 1 ||
         inet_pton(AF_INET6, name.c_str(), bytes) == 1;
}

int Verification::check(void* object, mbedtls_x509_crt* certificate, int depth,
                        std::uint32_t* flags) try {
  auto& self = *static_cast<Verification*>(object);
  const std::string subject = subject_of(*certificate);
  if (depth == 0) {
    self.peer_ = subject;
    if (self.name_.empty()) {
      *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
    } else if (is_address(self.name_) ? !has_address(*certificate, self.name_)
                                      : !mbedtls_x509_crt_has_ext_type(
                                            certificate, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
      *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
  }
  self.add(*flags, subject);
  return 0;
} catch (const std::bad_alloc&) {
  return MBEDTLS_ERR_X509_ALLOC_FAILED;  // to C
}

void Verification::add(std::uint32_t flags, const std::string& subject) {
  told_ |= flags;
  const auto append = [&](const std::string& text) {
    if (!reasons_.empty()) reasons_ += "; ";
    reasons_ += text;
  };
  if (flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) {
    append("certificate is not valid for '" + name_ + "' (" + subject + ")");
  }
  for (const Reason& reason : kReasons) {
    if (flags & reason.flag) append(std::string(reason.text) + " (" + subject + ")");
  }
}

std::string Verification::reasons(std::uint32_t flags) {
  if (flags != 0xffffffff) add(flags & ~told_, peer_);
  return reasons_;
}

}  // namespace tonio::tls
