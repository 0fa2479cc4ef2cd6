#include "base/mutex.h"
#include "base/guarded.h"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "support/parallelize.h"
#include "support/stress.h"

using namespace tonio;

TEST_CASE("a mutex lets one thread in at a time") {
  for (const int threads : {2, 8, 32}) {
    base::Guarded<long> count(0);
    const int each = test::rounds(20'000);
    test::parallelize(threads, [&](int) {
      for (int i = 0; i < each; ++i) ++*count.lock();
    });
    CHECK(*count.lock() == static_cast<long>(threads) * each);
  }
}

TEST_CASE("try_lock refuses a held mutex") {
  base::Mutex mutex;
  CHECK(mutex.try_lock());
  CHECK(!mutex.try_lock());
  mutex.unlock();
  CHECK(mutex.try_lock());
  mutex.unlock();
}

TEST_CASE("a mutex whose owner holds it for long wakes everybody that waits") {
  base::Mutex mutex;
  int entered = 0;
  for (int round = 0; round < test::rounds(200); ++round) {
    mutex.lock();
    std::atomic<int> waiting{0};
    std::thread owner([&] {
      test::parallelize(6, [&](int) {
        ++waiting;
        base::MutexLock lock(mutex);
        ++entered;
      });
    });
    while (waiting < 6) std::this_thread::yield();
    mutex.unlock();
    owner.join();
  }
  CHECK(entered == test::rounds(200) * 6);
}
