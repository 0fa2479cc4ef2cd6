// Versions of the libraries that the runtime is built on, for --version.
#pragma once

#include <string>

namespace tonio::core {

std::string uv_version();
std::string mbedtls_version();

}  // namespace tonio::core
