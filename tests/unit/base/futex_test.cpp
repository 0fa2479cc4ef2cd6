#include "base/futex.h"

#include <doctest/doctest.h>

#include <thread>

using namespace tonio;

TEST_CASE(
    "a futex wait ends at its deadline, at once on another value, or when "
    "woken") {
  std::atomic<std::uint32_t> word{1};
  const base::Instant deadline = base::now() + 3'000;
  while (base::futex_wait(word, 1, deadline)) {
  }
  CHECK(base::now() >= deadline);
  CHECK(base::futex_wait(word, 2, base::kNever));
  CHECK(!base::futex_wait(word, 1, 1));  // long past

  std::thread waker([&] {
    word = 2;
    base::futex_wake(word, 1);
  });
  while (word == 1) base::futex_wait(word, 1);
  waker.join();
  CHECK(word == 2);
}
