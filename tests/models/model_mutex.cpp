// base::Mutex: one owner at a time, who sees what the last one did; nobody sleeps while it
// is free; it is free at the end.
#include "base/mutex.h"

#include "model.h"

using namespace tonio;
using namespace tonio::model;

namespace {

void lock_and_touch(base::Mutex& mutex, Owned& guarded) {
  base::MutexLock lock(mutex);
  guarded.touch("the mutex has one owner at a time");
}

void two_threads_twice() {
  base::Mutex mutex;
  Owned guarded;
  const auto main = [&] {
    lock_and_touch(mutex, guarded);
    lock_and_touch(mutex, guarded);
  };
  parallel(main, main);
  require(mutex.try_lock(), "no lock is left behind");
}

void three_threads() {
  base::Mutex mutex;
  Owned guarded;
  const auto main = [&] { lock_and_touch(mutex, guarded); };
  parallel(main, main, main);
  require(mutex.try_lock(), "no lock is left behind");
}

void try_lock_meets_lock() {
  base::Mutex mutex;
  Owned guarded;
  parallel([&] { lock_and_touch(mutex, guarded); },
           [&] {
             if (!mutex.try_lock()) return;
             guarded.touch("the mutex has one owner at a time");
             mutex.unlock();
           },
           [&] { lock_and_touch(mutex, guarded); });
  require(mutex.try_lock(), "no lock is left behind");
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds normal{2, 1}, deep{4, 2};
  return {{"two threads lock twice", {}, {}, two_threads_twice},
          {"three threads lock", normal, deep, three_threads},
          {"try_lock meets two locks", normal, deep, try_lock_meets_lock}};
}
