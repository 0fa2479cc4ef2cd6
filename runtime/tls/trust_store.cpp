#include <dirent.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <set>
#include <system_error>

#include "tls/certificates.h"

namespace tonio::tls {
namespace {

// Debian and its kin, Fedora and its kin, SUSE, Alpine.
constexpr std::array kFiles{
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
};
constexpr const char* kFolder = "/etc/ssl/certs";

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

// Each entry by itself: one that mbedTLS can't read must not take the others
// along. 0, or the errno of a file that can't be opened.
int add_file(const std::filesystem::path& path, Trust& trust, std::set<std::string>& seen) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return errno != 0 ? errno : EIO;
  const std::string data((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  for (std::size_t begin = 0; begin < data.size();) {
    const std::size_t end = data.find(kEnd, begin);
    if (end == std::string::npos) break;
    Trust one;
    std::string ignored;
    if (load_trust(std::string_view(data).substr(begin, end + kEnd.size() - begin), one, ignored)) {
      for (std::string& der : one.certificates) {
        if (seen.insert(der).second) trust.certificates.push_back(std::move(der));
      }
    }
    begin = end + kEnd.size();
  }
  return 0;
}

// `failure` is the last one of a file or of the folder, if any: with it, certificates may be
// missing.
Trust read_store(const TrustStorePaths& paths, std::error_code& failure) {
  Trust trust;
  std::set<std::string> seen;
  const auto add = [&](const std::filesystem::path& path) {
    if (const int code = add_file(path, trust, seen)) failure.assign(code, std::system_category());
  };
  if (!paths.file.empty()) add(paths.file);
  // The bundle of a distribution has what its folder has.
  if (!trust.certificates.empty() && from_environment("SSL_CERT_DIR").empty()) return trust;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(paths.folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code no_matter;
    if (entry->is_regular_file(no_matter)) add(entry->path());
  }
  if (error) failure = error;
  return trust;
}

}  // namespace

TrustStorePaths system_trust_store() {
  TrustStorePaths paths{from_environment("SSL_CERT_FILE"), from_environment("SSL_CERT_DIR")};
  if (paths.file.empty()) {
    for (const char* file : kFiles) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error)) continue;
      paths.file = file;
      break;
    }
  }
  if (paths.folder.empty()) paths.folder = kFolder;
  return paths;
}

bool load_system_trust(Trust& trust, std::string& error) {
  static std::mutex mutex;
  static std::string read_from;
  static Trust store;
  const TrustStorePaths paths = system_trust_store();
  const std::lock_guard lock(mutex);
  // Tests and programs change the variables.
  const std::string key = paths.file + '\n' + paths.folder;
  std::error_code failure;
  if (key != read_from) {
    store = read_store(paths, failure);
    // What may be incomplete is not kept.
    read_from = failure ? "" : key;
  }
  if (store.certificates.empty()) {
    error = "no trusted certificates in " + paths.file + (paths.file.empty() ? "" : " and ") +
            paths.folder + (failure ? " (" + failure.message() + ")" : "") +
            ": install the system's (the package ca-certificates) or set "
            "SSL_CERT_FILE";
    read_from.clear();
    return false;
  }
  trust.certificates.insert(trust.certificates.end(), store.certificates.begin(),
                            store.certificates.end());
  return true;
}

}  // namespace tonio::tls
