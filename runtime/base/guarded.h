// A value that can't be reached without its lock.
#pragma once

#include <utility>

#include "base/mutex.h"

namespace tonio::base {

template <typename T>
class Guarded {
 public:
  template <typename... Args>
  explicit Guarded(Args&&... args) : value_(std::forward<Args>(args)...) {}

  class Access {
   public:
    explicit Access(Guarded& owner) : lock_(owner.mutex_), value_(owner.value_) {}
    T* operator->() { return &value_; }
    T& operator*() { return value_; }

   private:
    MutexLock lock_;
    T& value_;
  };

  // Holds the lock for the life of the returned object.
  [[nodiscard]] Access lock() { return Access(*this); }

 private:
  Mutex mutex_;
  T value_;
};

}  // namespace tonio::base
