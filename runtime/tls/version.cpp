#include "tls/version.h"

#include <mbedtls/version.h>

namespace tonio::tls {

std::string mbedtls_version() {
  char text[9];
  mbedtls_version_get_string(text);
  return text;
}

}  // namespace tonio::tls
