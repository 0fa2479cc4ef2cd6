// Somebody else's descriptor, watched for readiness: a pipe, an eventfd, a C
// library's socket. Thread-safe.
//
// What is watched is a duplicate (dup(2)), so its number is given to nobody
// else while the set knows it, whatever its owner does, and one descriptor can
// be watched several times: epoll(7) tells duplicates apart.
#pragma once

#include <memory>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "reactor/registration.h"

namespace tonio::reactor {

class Descriptor {
 public:
  // Null, with errno's value in `error`, when `fd` is closed or can't be
  // watched: EPERM for regular files, directories and devices without poll(2).
  static std::unique_ptr<Descriptor> open(Reactor& reactor, int fd, int& error);
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  // Puts an arming task in line for readiness. 0, or errno's value when that is not possible.
  [[nodiscard]] int wait(Interest interest, task::Waiter& waiter);
  // By a resumed task that readiness has not woken.
  void cancel_wait(Interest interest, task::Waiter& waiter);
  // 0, or EBADF once closed.
  int error() { return registration_.error(); }

  // Whether it is ready at this moment. False with `error` set once closed.
  [[nodiscard]] bool ready(Interest interest, int& error);

  // Wakes who waits, and gives the duplicate up. No effect the second time.
  void close();
  bool closed();

 private:
  Descriptor(Reactor& reactor, base::UniqueFd fd);

  Registration registration_;
  base::Mutex mutex_;
  base::UniqueFd fd_;  // guarded by mutex_
};

}  // namespace tonio::reactor
