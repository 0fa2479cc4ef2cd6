#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace tonio::base {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tonio: internal error: %s:%d: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace tonio::base
