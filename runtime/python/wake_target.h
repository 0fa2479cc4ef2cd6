// Where a thread that is no worker is told of something: the eventfd it waits on.
#pragma once

#include <sys/eventfd.h>

#include "base/mutex.h"

namespace tonio::python {

// After set(-1) returns nobody writes to the descriptor any more, so it may be closed.
class WakeTarget {
 public:
  // An eventfd, or -1 for none.
  void set(int fd) {
    base::MutexLock lock(mutex_);
    fd_ = fd;
  }

  void wake() {
    base::MutexLock lock(mutex_);
    // It can't block: the counter would have to be near 2^64.
    if (fd_ >= 0) eventfd_write(fd_, 1);
  }

  // Tells an eventfd as long as it lives.
  class Listener {
   public:
    Listener(WakeTarget& target, int fd) : target_(target) { target_.set(fd); }
    ~Listener() { target_.set(-1); }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;

   private:
    WakeTarget& target_;
  };

  bool is_set() {
    base::MutexLock lock(mutex_);
    return fd_ >= 0;
  }

 private:
  base::Mutex mutex_;
  int fd_ = -1;  // guarded by mutex_
};

}  // namespace tonio::python
