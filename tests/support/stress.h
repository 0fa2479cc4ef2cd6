// Sizes of stress tests: smaller under the sanitizers, which slow everything
// down, and multiplied by TONIO_STRESS where somebody wants to look longer.
#pragma once

#include <cstdlib>

namespace tonio::test {

inline int rounds(int usual) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  usual = usual / 8 + 1;
#endif
  const char* factor = std::getenv("TONIO_STRESS");
  return factor ? usual * std::atoi(factor) : usual;
}

}  // namespace tonio::test
