#include <arpa/inet.h>
#include <mbedtls/oid.h>

#include <array>
#include <cstdio>
#include <cstring>

#include "tls/certificates.h"
#include "tls/library.h"
#include "tls/x509.h"

namespace tonio::tls {
namespace {

// OpenSSL's long names, as ssl.SSLSocket.getpeercert() has them.
struct AttributeName {
  std::string_view short_name;
  std::string_view long_name;
};
constexpr std::array kAttributes{
    AttributeName{"CN", "commonName"},      AttributeName{"C", "countryName"},
    AttributeName{"L", "localityName"},     AttributeName{"ST", "stateOrProvinceName"},
    AttributeName{"O", "organizationName"}, AttributeName{"OU", "organizationalUnitName"},
    AttributeName{"DC", "domainComponent"},
};

CertificateInfo::Name name_of(const mbedtls_x509_name& first) {
  CertificateInfo::Name name;
  for (const mbedtls_x509_name* part = &first; part; part = part->next) {
    if (part->oid.len == 0) continue;
    const char* attribute = nullptr;
    if (mbedtls_oid_get_attr_short_name(&part->oid, &attribute) != 0) {
      char numeric[128];
      const int size = mbedtls_oid_get_numeric_string(numeric, sizeof numeric, &part->oid);
      name.emplace_back(size > 0 ? numeric : "?", view(part->val));
      continue;
    }
    std::string_view text = attribute;
    for (const AttributeName& known : kAttributes) {
      if (known.short_name == text) text = known.long_name;
    }
    name.emplace_back(text, view(part->val));
  }
  return name;
}

// As OpenSSL prints it, which ssl.cert_time_to_seconds() reads.
std::string time_text(const mbedtls_x509_time& time) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  char text[64];
  std::snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d %d GMT", kMonths[(time.mon + 11) % 12],
                time.day, time.hour, time.min, time.sec, time.year);
  return text;
}

std::string hexadecimal(const mbedtls_x509_buf& number) {
  std::string text;
  for (std::size_t i = 0; i < number.len; ++i) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02X", number.p[i]);
    text += digits;
  }
  return text.size() > 2 && text.starts_with("00") ? text.substr(2) : text;
}

void add_alt_name(const mbedtls_x509_buf& entry, CertificateInfo::Name& names) {
  const auto type = static_cast<unsigned>(entry.tag) & MBEDTLS_ASN1_TAG_VALUE_MASK;
  if (type == MBEDTLS_X509_SAN_DNS_NAME) names.emplace_back("DNS", view(entry));
  if (type == MBEDTLS_X509_SAN_RFC822_NAME) names.emplace_back("email", view(entry));
  if (type == MBEDTLS_X509_SAN_UNIFORM_RESOURCE_IDENTIFIER) names.emplace_back("URI", view(entry));
  if (type == MBEDTLS_X509_SAN_IP_ADDRESS) {
    char text[INET6_ADDRSTRLEN] = "";
    if (entry.len == 4) inet_ntop(AF_INET, entry.p, text, sizeof text);
    if (entry.len == 16) inet_ntop(AF_INET6, entry.p, text, sizeof text);
    names.emplace_back("IP Address", text);
  }
}

}  // namespace

std::optional<CertificateInfo> certificate_info(std::string_view der) {
  CertificateList list;
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  if (mbedtls_x509_crt_parse_der(&list.head, data, der.size()) != 0) return std::nullopt;
  const mbedtls_x509_crt& crt = list.head;
  CertificateInfo info;
  info.subject = name_of(crt.subject);
  info.issuer = name_of(crt.issuer);
  info.version = crt.version;
  info.serial_number = hexadecimal(crt.serial);
  info.not_before = time_text(crt.valid_from);
  info.not_after = time_text(crt.valid_to);
  if (mbedtls_x509_crt_has_ext_type(&crt, MBEDTLS_X509_EXT_SUBJECT_ALT_NAME)) {
    for (const auto* san = &crt.subject_alt_names; san; san = san->next) {
      add_alt_name(san->buf, info.subject_alt_names);
    }
  }
  return info;
}

}  // namespace tonio::tls
