// In place of runtime/base/mutex.h, where a model is not about it: a lock that is taken in one
// step, when it is free.
#pragma once

#include <mutex>
#include <source_location>

#include "explorer.h"

namespace tonio::base {

class Mutex {
  using Where = std::source_location;

 public:
  Mutex() : at_(explorer().memory().add(0, explorer().views())) {}
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;

  void lock(Where where = Where::current()) { explorer().lock(at_, where); }
  [[nodiscard]] bool try_lock(Where where = Where::current()) {
    return explorer().try_lock(at_, where);
  }
  void unlock(Where where = Where::current()) { explorer().unlock(at_, where); }

 private:
  static model::Explorer& explorer() { return model::Explorer::current(); }

  const model::Location at_;
};

using MutexLock = std::lock_guard<Mutex>;

}  // namespace tonio::base
