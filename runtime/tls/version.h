#pragma once

#include <string>

namespace tonio::tls {

// Of the mbedTLS library that is linked.
std::string mbedtls_version();

}  // namespace tonio::tls
