#include "environment.h"

#include <cstdlib>

namespace tonio::launcher {

std::string read_variable(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

void export_variable(const std::string& name, const std::string& value) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread
  setenv(name.c_str(), value.c_str(), 1);
}

}  // namespace tonio::launcher
