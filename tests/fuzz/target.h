// A fuzz target is one source file that defines both functions. It is built
// twice: with libFuzzer (preset fuzz, clang), and with driver.cpp, which needs
// no special compiler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// What is tried: any bytes. Aborts, or a sanitizer does, when something is
// wrong.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Inputs to begin with.
std::vector<std::string> fuzz_seeds();
