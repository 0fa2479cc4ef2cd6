#include "base/unique_fd.h"

#include <doctest/doctest.h>
#include <fcntl.h>

using namespace tonio;

namespace {
bool is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }
}  // namespace

TEST_CASE("a UniqueFd closes its descriptor once") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  {
    base::UniqueFd a(ends[0]);
    base::UniqueFd b(std::move(a));
    CHECK(!a.valid());
    CHECK(b.get() == ends[0]);
    a = std::move(b);
    CHECK(is_open(ends[0]));
    base::UniqueFd c(ends[1]);
    CHECK(c.release() == ends[1]);
  }
  CHECK(!is_open(ends[0]));
  CHECK(is_open(ends[1]));
  base::UniqueFd last(ends[1]);
  last.reset();
  CHECK(!is_open(ends[1]));
  CHECK(!last.valid());
}
