// The Python package tonio as it lies in the binary; embed_package.py writes the data.
#pragma once

#include <span>
#include <string_view>

namespace tonio::python {

struct EmbeddedModule {
  std::string_view name;  // dotted
  bool is_package;
  std::span<const unsigned char> source;  // UTF-8
  std::span<const unsigned char> code;    // marshalled code object
};

std::span<const EmbeddedModule> embedded_package();

}  // namespace tonio::python
