// What the whole process shares of mbedTLS: its initialisation, its random
// generator, its error codes in words. Included by this folder's sources only.
#pragma once

#include <cstddef>
#include <string>

namespace tonio::tls {

// Prepares mbedTLS once per process; aborts if the system has no entropy
// source. Any thread. Throws std::bad_alloc.
void initialise_library();

// For mbedTLS's f_rng parameters, with `state` null. Thread-safe
// (MBEDTLS_THREADING_C).
int fill_random(void* state, unsigned char* buffer, std::size_t size);

// What a negative return value of mbedTLS means, in words that a user of TLS
// knows. Throws std::bad_alloc where that is what it means.
std::string describe_error(int code);

// What a TLS alert of this number means (RFC 8446, section 6).
std::string describe_alert(unsigned number);

}  // namespace tonio::tls
