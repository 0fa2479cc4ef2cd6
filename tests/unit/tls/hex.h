// Bytes as the RFCs print them.
#pragma once

#include <cctype>
#include <string>
#include <string_view>
#include <vector>

namespace tonio::tls {

// Spaces are left out.
inline std::vector<unsigned char> from_hex(std::string_view text) {
  std::vector<unsigned char> bytes;
  std::string digits;
  for (const char c : text) {
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    digits += c;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<unsigned char>(std::stoi(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

}  // namespace tonio::tls
