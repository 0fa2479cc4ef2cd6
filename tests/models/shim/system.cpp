// In place of runtime/base/clock.cpp and check.cpp.
#include <string>

#include "base/check.h"
#include "base/clock.h"
#include "explorer.h"

namespace tonio::base {

Instant now() { return model::Explorer::current().now(); }

void check_failed(const char* condition, const char* file, int line) {
  model::Explorer::current().fail(std::string("broken invariant: ") + condition + " (" + file +
                                  ":" + std::to_string(line) + ")");
}

}  // namespace tonio::base
