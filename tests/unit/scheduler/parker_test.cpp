#include "scheduler/parker.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "support/stress.h"

using namespace tonio;
using scheduler::Parker;

TEST_CASE("a token left before the sleep ends it, once") {
  Parker parker;
  CHECK(!parker.unpark());
  CHECK(!parker.unpark());  // one token, however many wakes
  CHECK(parker.sleep(base::kNever).notified);
  const auto woken = parker.sleep(base::now());
  CHECK(!woken.notified);
  CHECK(!woken.watch);
}

TEST_CASE("a token prevents the poll, or is consumed by its end") {
  Parker parker;
  CHECK(!parker.unpark());
  CHECK(!parker.begin_drive());
  CHECK(parker.begin_drive());
  CHECK(parker.unpark());   // the caller must wake the driver
  CHECK(!parker.unpark());  // that has been done
  parker.end_drive();
  CHECK(!parker.sleep(base::now()).notified);
}

TEST_CASE("a request to keep watch outlives tokens and polls") {
  Parker parker;
  parker.request_watch();
  CHECK(!parker.unpark());
  CHECK(!parker.begin_drive());
  CHECK(parker.begin_drive());
  parker.end_drive();
  const auto woken = parker.sleep(base::kNever);
  CHECK(woken.watch);
  CHECK(!woken.notified);
  CHECK(!parker.take_watch_request());
  parker.request_watch();
  CHECK(parker.take_watch_request());
  CHECK(!parker.sleep(base::now()).watch);
}

TEST_CASE("no wake-up is lost between threads") {
  Parker ping, pong;
  const int rounds = test::rounds(20'000);
  std::atomic<int> work{0};
  std::thread other([&] {
    for (int i = 1; i <= rounds; ++i) {
      while (work != i) ping.sleep(base::kNever);
      work = -i;
      (void)pong.unpark();
    }
  });
  for (int i = 1; i <= rounds; ++i) {
    work = i;
    (void)ping.unpark();
    while (work != -i) {
      // A watcher's sleep has a deadline; it must not eat the token.
      if (i % 3 == 0) {
        pong.sleep(base::now() + 50);
      } else {
        pong.sleep(base::kNever);
      }
    }
  }
  other.join();
  CHECK(work == -rounds);
}
