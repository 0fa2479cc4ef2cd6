#include "core/versions.h"

#include "reactor/reactor.h"
#include "tls/version.h"

namespace tonio::core {

std::string uv_version() { return reactor::Reactor::libuv_version(); }
std::string mbedtls_version() { return tls::mbedtls_version(); }

}  // namespace tonio::core
