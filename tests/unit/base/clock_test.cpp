#include "base/clock.h"

#include <doctest/doctest.h>

#include <limits>

using namespace tonio;

TEST_CASE(
    "a deadline is rounded up, and endless when the clock can't count that "
    "far") {
  const base::Instant before = base::now();
  const base::Instant past = base::deadline_after(base::now(), -1.0);
  CHECK(past <= base::now());
  CHECK(base::deadline_after(base::now(), 0.0) >= before);
  CHECK(base::deadline_after(base::now(), 1e-9) >= before + 1);
  const base::Instant second = base::deadline_after(base::now(), 1.0);
  CHECK(second >= before + 1'000'000);
  CHECK(second <= base::now() + 1'000'000);
  CHECK(base::deadline_after(base::now(), 1e9) < base::kNever);
  CHECK(base::deadline_after(base::now(), 1e13) == base::kNever);
  CHECK(base::deadline_after(base::now(), std::numeric_limits<double>::infinity()) == base::kNever);
  CHECK(base::deadline_after(base::now(), std::numeric_limits<double>::max()) == base::kNever);
}
