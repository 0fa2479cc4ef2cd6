#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "support/polled_reactor.h"
#include "support/stress.h"

using namespace tonio;

TEST_CASE("a wake before the poll ends it, once") {
  test::PolledReactor reactor;
  reactor.reactor.wake();
  reactor.reactor.wake();
  CHECK(reactor.poll(base::kNever) == 0);
  const base::Instant start = base::now();
  CHECK(reactor.poll(start + 2'000) == 0);
  CHECK(base::now() >= start + 2'000);
}

TEST_CASE("a wake during the poll ends it") {
  test::PolledReactor reactor;
  const int rounds = test::rounds(2'000);
  std::atomic<int> polled{0}, woken{0};
  std::thread poller([&] {
    for (int i = 0; i < rounds; ++i) {
      reactor.poll(base::kNever);
      ++polled;
      while (woken <= i) std::this_thread::yield();
    }
  });
  for (int i = 0; i < rounds; ++i) {
    reactor.reactor.wake();
    while (polled <= i) std::this_thread::yield();
    ++woken;
  }
  poller.join();
  CHECK(polled == rounds);
}
