#include <doctest/doctest.h>

#include "base/log.h"

using namespace tonio;

TEST_CASE("log levels are known by name, and a log that can't be opened says why") {
  CHECK(base::parse_log_level("warn") == base::LogLevel::kWarn);
  CHECK(base::parse_log_level("off") == base::LogLevel::kOff);
  CHECK(!base::parse_log_level("WARN"));
  CHECK(!base::parse_log_level(""));
  CHECK(!base::log_enabled(base::LogLevel::kCritical));  // not started
  base::log(base::LogLevel::kCritical, "dropped");
  const auto problem = base::init_log(base::LogLevel::kInfo, "/proc/none/of/this");
  REQUIRE(problem);
  CHECK(problem->find("/proc/none/of/this") != std::string::npos);
  CHECK(!base::init_log(base::LogLevel::kError, "/dev/null"));
  CHECK(base::log_enabled(base::LogLevel::kError));
  CHECK(!base::log_enabled(base::LogLevel::kInfo));
}
