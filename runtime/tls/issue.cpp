#include "tls/issue.h"

#include <arpa/inet.h>
#include <mbedtls/asn1write.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <mbedtls/x509_crt.h>

#include <array>
#include <cstring>
#include <ctime>
#include <vector>

#include "tls/library.h"
#include "tls/verification.h"
#include "tls/x509.h"

namespace tonio::tls {
namespace {

constexpr std::size_t kMaxPem = std::size_t{16} * 1024;
constexpr unsigned kRsaBits = 2048;

struct Writer {
  Writer() { mbedtls_x509write_crt_init(&context); }
  ~Writer() { mbedtls_x509write_crt_free(&context); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  mbedtls_x509write_cert context;
};

// YYYYMMDDhhmmss, UTC.
std::string time_text(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char text[16];
  std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &utc);
  return text;
}

int make_key(mbedtls_pk_context& key, bool rsa) {
  const auto type = rsa ? MBEDTLS_PK_RSA : MBEDTLS_PK_ECKEY;
  if (const int code = mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(type))) return code;
  if (rsa) {
    return mbedtls_rsa_gen_key(mbedtls_pk_rsa(key), fill_random, nullptr, kRsaBits, 65537);
  }
  return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), fill_random, nullptr);
}

// The characters that a distinguished name's text form gives a meaning to (RFC
// 4514).
bool is_plain(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_of(",=+<>#;\"\\") == std::string::npos &&
         name.find('\0') == std::string::npos;
}

int set_names(mbedtls_x509write_cert& context, const std::vector<std::string>& names) {
  std::vector<std::array<unsigned char, 16>> addresses(names.size());
  std::vector<mbedtls_x509_san_list> list(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& node = list[i].node;
    // mbedTLS writes the last one first.
    list[i].next = i > 0 ? &list[i - 1] : nullptr;
    if (is_address(names[i])) {
      const bool v4 = inet_pton(AF_INET, names[i].c_str(), addresses[i].data()) == 1;
      if (!v4) inet_pton(AF_INET6, names[i].c_str(), addresses[i].data());
      node.type = MBEDTLS_X509_SAN_IP_ADDRESS;
      node.san.unstructured_name = {0, v4 ? 4U : 16U, addresses[i].data()};
    } else {
      node.type = MBEDTLS_X509_SAN_DNS_NAME;
      auto* text = reinterpret_cast<unsigned char*>(const_cast<char*>(names[i].data()));
      node.san.unstructured_name = {0, names[i].size(), text};
    }
  }
  return mbedtls_x509write_crt_set_subject_alternative_name(&context, &list.back());
}

int fill(mbedtls_x509write_cert& context, const CertificateRequest& request) {
  // Positive, and of 16 bytes at most (RFC 5280, section 4.1.2.2).
  unsigned char serial[16];
  if (const int code = fill_random(nullptr, serial, sizeof serial)) return code;
  serial[0] = (serial[0] & 0x7f) | 0x40;
  const std::string subject = "CN=" + request.names.front();
  mbedtls_x509write_crt_set_version(&context, MBEDTLS_X509_CRT_VERSION_3);
  mbedtls_x509write_crt_set_md_alg(&context, MBEDTLS_MD_SHA256);
  int code = mbedtls_x509write_crt_set_serial_raw(&context, serial, sizeof serial);
  if (!code) code = mbedtls_x509write_crt_set_subject_name(&context, subject.c_str());
  if (!code) {
    code = mbedtls_x509write_crt_set_validity(&context, time_text(request.not_before).c_str(),
                                              time_text(request.not_after).c_str());
  }
  if (!code) {
    code = mbedtls_x509write_crt_set_basic_constraints(&context, request.authority ? 1 : 0, -1);
  }
  if (!code) {
    code = mbedtls_x509write_crt_set_key_usage(
        &context, request.authority ? MBEDTLS_X509_KU_KEY_CERT_SIGN | MBEDTLS_X509_KU_CRL_SIGN
                                    : MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
  }
  if (!code && !request.authority) code = set_names(context, request.names);
  return code;
}

}  // namespace

std::optional<CertificatePair> issue_certificate(const CertificateRequest& request,
                                                 std::string& error) {
  initialise_library();
  if (request.names.empty()) {
    error = "a certificate needs a name";
    return std::nullopt;
  }
  for (const std::string& name : request.names) {
    if (is_plain(name)) continue;
    error = "'" + name + "' can't be a name in a certificate";
    return std::nullopt;
  }
  Writer writer;
  Key key;
  Key issuer_key;
  CertificateList issuer;
  int code = make_key(key.context, request.rsa);
  if (!code) code = fill(writer.context, request);
  mbedtls_x509write_crt_set_subject_key(&writer.context, &key.context);
  mbedtls_x509write_crt_set_issuer_key(&writer.context, &key.context);
  std::string issuer_name = "CN=" + request.names.front();
  if (request.issuer && !code) {
    const CertificatePair& by = *request.issuer;
    code = mbedtls_x509_crt_parse(&issuer.head,
                                  reinterpret_cast<const unsigned char*>(by.certificate.c_str()),
                                  by.certificate.size() + 1);
    if (!code) {
      code = mbedtls_pk_parse_key(&issuer_key.context,
                                  reinterpret_cast<const unsigned char*>(by.key.c_str()),
                                  by.key.size() + 1, nullptr, 0, fill_random, nullptr);
    }
    issuer_name = subject_of(issuer.head);
    mbedtls_x509write_crt_set_issuer_key(&writer.context, &issuer_key.context);
  }
  if (!code) code = mbedtls_x509write_crt_set_issuer_name(&writer.context, issuer_name.c_str());
  std::vector<unsigned char> text(kMaxPem);
  CertificatePair made;
  if (!code) {
    code =
        mbedtls_x509write_crt_pem(&writer.context, text.data(), text.size(), fill_random, nullptr);
    made.certificate = reinterpret_cast<const char*>(text.data());
  }
  if (!code) {
    code = mbedtls_pk_write_key_pem(&key.context, text.data(), text.size());
    made.key = reinterpret_cast<const char*>(text.data());
  }
  if (code == 0) return made;
  error = describe_error(code);
  return std::nullopt;
}

}  // namespace tonio::tls
