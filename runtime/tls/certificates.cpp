#include "tls/certificates.h"

#include <mbedtls/oid.h>
#include <mbedtls/pem.h>
#include <strings.h>

#include <algorithm>
#include <cstring>

#include "tls/library.h"
#include "tls/x509.h"

namespace tonio::tls {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";

// The blocks of a PEM file with one of `labels`, each with its lines around it.
std::vector<std::string> pem_blocks(std::string_view data,
                                    std::initializer_list<std::string_view> labels) {
  std::vector<std::string> blocks;
  for (std::size_t begin = data.find(kBegin); begin != std::string_view::npos;) {
    const std::size_t end = data.find(kEnd, begin);
    if (end == std::string_view::npos) break;
    const std::size_t line_end = std::min(data.find('\n', end), data.size() - 1);
    const std::string_view label = data.substr(begin + kBegin.size());
    for (const std::string_view wanted : labels) {
      if (label.substr(0, wanted.size()) == wanted && label.substr(wanted.size(), 5) == "-----") {
        blocks.emplace_back(data.substr(begin, line_end + 1 - begin));
      }
    }
    begin = data.find(kBegin, line_end);
  }
  return blocks;
}

// What mbedTLS's parsers take: PEM counts the NUL byte that std::string ends
// with.
const unsigned char* bytes(const std::string& text) {
  return reinterpret_cast<const unsigned char*>(text.c_str());
}
std::size_t size_for_parser(const std::string& text) {
  return text.size() + (is_pem(text) ? 1 : 0);
}

int parse_certificate(mbedtls_x509_crt& list, const std::string& block) {
  return mbedtls_x509_crt_parse(&list, bytes(block), size_for_parser(block));
}

bool append_certificate(const std::string& block, Trust& trust, std::string& error) {
  CertificateList list;
  if (const int code = parse_certificate(list.head, block); code != 0) {
    error = "not a certificate that can be read: " + describe_error(code);
    return false;
  }
  trust.certificates.emplace_back(view(list.head.raw));
  return true;
}

bool append_revocation_list(const std::string& block, Trust& trust, std::string& error) {
  RevocationLists list;
  const int code = mbedtls_x509_crl_parse(&list.head, bytes(block), size_for_parser(block));
  if (code != 0) {
    error = "not a revocation list that can be read: " + describe_error(code);
    return false;
  }
  trust.revocation_lists.emplace_back(view(list.head.raw));
  return true;
}

bool parse_key(mbedtls_pk_context& key, Encoded data, const std::string& password,
               std::string& error) {
  const std::string copy(data);
  const int code = mbedtls_pk_parse_key(&key, bytes(copy), size_for_parser(copy),
                                        password.empty() ? nullptr : bytes(password),
                                        password.size(), fill_random, nullptr);
  if (code == 0) return true;
  if (code == MBEDTLS_ERR_PK_PASSWORD_REQUIRED || code == MBEDTLS_ERR_PEM_PASSWORD_REQUIRED) {
    error = "the private key is encrypted: give its password";
  } else if (code == MBEDTLS_ERR_PK_PASSWORD_MISMATCH ||
             code == MBEDTLS_ERR_PEM_PASSWORD_MISMATCH ||
             (!password.empty() && data.find("ENCRYPTED") != Encoded::npos)) {
    // A wrong password may give what looks decrypted, and is no key.
    error = "the password does not decrypt the private key";
  } else if (is_pem(data) && pem_blocks(data, {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
                                               "RSA PRIVATE KEY", "EC PRIVATE KEY"})
                                 .empty()) {
    error = "there is no private key in it";
  } else {
    error = "not a private key that can be read: " + describe_error(code);
  }
  return false;
}

bool same_name(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// RFC 6125, section 6.4.3: the wildcard is the whole leftmost label, and stands
// for one.
bool matches(std::string_view pattern, std::string_view name, bool wildcard) {
  if (!wildcard) return same_name(pattern, name);
  if (pattern.substr(0, 2) != "*.") return false;
  const std::size_t dot = name.find('.');
  return dot != std::string_view::npos && dot > 0 && same_name(pattern.substr(1), name.substr(dot));
}

}  // namespace

bool load_trust(Encoded data, Trust& trust, std::string& error) {
  if (!is_pem(data)) return append_certificate(std::string(data), trust, error);
  const auto certificates = pem_blocks(data, {"CERTIFICATE", "X509 CERTIFICATE"});
  const auto lists = pem_blocks(data, {"X509 CRL"});
  if (certificates.empty() && lists.empty()) {
    error = "there is no certificate and no revocation list in it";
    return false;
  }
  return std::ranges::all_of(certificates,
                             [&](const auto& b) { return append_certificate(b, trust, error); }) &&
         std::ranges::all_of(
             lists, [&](const auto& b) { return append_revocation_list(b, trust, error); });
}

Identity::Identity() : parts_(std::make_unique<Parts>()) {}
Identity::~Identity() = default;

std::shared_ptr<const Identity> Identity::load(Encoded chain, Encoded key,
                                               const std::string& password, std::string& error) {
  initialise_library();
  std::shared_ptr<Identity> made(new Identity());
  Parts& parts = *made->parts_;
  // Only the certificates of a file that holds the key, too.
  const std::vector<std::string> blocks =
      is_pem(chain) ? pem_blocks(chain, {"CERTIFICATE", "X509 CERTIFICATE"})
                    : std::vector<std::string>{std::string(chain)};
  if (blocks.empty()) error = "there is no certificate in it";
  for (const std::string& block : blocks) {
    if (const int code = parse_certificate(parts.chain.head, block); code != 0) {
      error = "not a certificate that can be read: " + describe_error(code);
      return nullptr;
    }
  }
  if (blocks.empty() || !parse_key(parts.key.context, key, password, error)) return nullptr;
  int position = 1;
  for (mbedtls_x509_crt* crt = &parts.chain.head; crt; crt = crt->next, ++position) {
    if (mbedtls_pk_check_pair(&crt->pk, &parts.key.context, fill_random, nullptr) != 0) continue;
    if (position == 1) return made;
    error = "the private key belongs to certificate " + std::to_string(position) +
            " of the chain (" + subject_of(*crt) + "), which must be the first";
    return nullptr;
  }
  error =
      "the private key does not belong to the certificate (" + subject_of(parts.chain.head) + ")";
  return nullptr;
}

bool Identity::is_for(std::string_view name, bool wildcard) const {
  const mbedtls_x509_crt& own = parts_->chain.head;
  if (mbedtls_x509_crt_has_ext_type(&own, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
    for (const auto* san = &own.subject_alt_names; san; san = san->next) {
      const auto type = static_cast<unsigned>(san->buf.tag) & MBEDTLS_ASN1_TAG_VALUE_MASK;
      if (type == MBEDTLS_X509_SAN_DNS_NAME && matches(view(san->buf), name, wildcard)) return true;
    }
    return false;
  }
  for (const mbedtls_x509_name* part = &own.subject; part; part = part->next) {
    if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &part->oid) == 0 &&
        matches(view(part->val), name, wildcard)) {
      return true;
    }
  }
  return false;
}

std::string subject_of(const mbedtls_x509_crt& certificate) {
  char text[512];
  const int size = mbedtls_x509_dn_gets(text, sizeof text, &certificate.subject);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : "no subject";
}

}  // namespace tonio::tls
