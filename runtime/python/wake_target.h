// Where a thread that is no worker is told of something: the eventfd it waits on.
#pragma once

#include <sys/eventfd.h>

#include "base/guarded.h"
#include "base/intrusive_list.h"
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

  bool is_set() {
    base::MutexLock lock(mutex_);
    return fd_ >= 0;
  }

 private:
  base::Mutex mutex_;
  int fd_ = -1;  // guarded by mutex_
};

// Several threads that wait for the same.
class WakeTargets {
 public:
  // Tells an eventfd as long as it lives.
  class Listener : public base::ListHook {
   public:
    Listener(WakeTargets& targets, int fd) : targets_(targets), fd_(fd) {
      targets_.listeners_.lock()->push_back(*this);
    }
    ~Listener();

   private:
    friend class WakeTargets;
    WakeTargets& targets_;
    const int fd_;
  };

  void wake() {
    listeners_.lock()->for_each([](const Listener& one) { eventfd_write(one.fd_, 1); });
  }

 private:
  base::Guarded<base::IntrusiveList<Listener>> listeners_;
};

}  // namespace tonio::python
