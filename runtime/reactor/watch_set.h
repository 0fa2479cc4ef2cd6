// What tasks wait for: an epoll(7) set, which has the libuv loop as one member (uv_backend_fd(),
// libuv's way to be embedded). Thread-safe: a descriptor is watched, or forgotten, when the call
// returns, also while a look blocks.
//
// With a uv_poll_t for each descriptor a poll tells of all that are ready, of each several times
// where they are more than the 1,024 that libuv takes at once, and the first one's socket has left
// the processor's cache when its task has its turn. And only the thread in the loop could change
// what is watched (decision 36).
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/mutex.h"
#include "base/unique_fd.h"
#include "task/task.h"

namespace tonio::reactor {

class Registration;

class WatchSet {
 public:
  // `loop` is a libuv loop's descriptor. 0 or a negative errno.
  [[nodiscard]] int open(int loop);
  // No look is under way and none will be. Registrations that somebody waits for fail with EBADF
  // for ever, the tasks come into `ready`; others until it is opened again.
  void close(task::TaskList& ready);
  // A snapshot.
  bool empty() const { return size_.load(std::memory_order_relaxed) == 0; }

  // Before the first wait for a descriptor of this number. Throws std::bad_alloc.
  void make_room(int fd);
  // Watches it for what tasks wait for. 0, or errno's value where that can't be: the tasks come
  // into `refused`, and nobody is in line any more.
  [[nodiscard]] int watch(Registration& registration, task::TaskList& refused);
  // Nothing tells of it any more.
  void forget(Registration& registration);

  // Takes some that are ready, those first that have waited longest, and puts the tasks that
  // are woken by that into `ready`. With `block` it waits until there are any. Whether the loop
  // is ready. One thread at a time.
  [[nodiscard]] bool look(bool block, task::TaskList& ready);

 private:
  struct Entry {
    Registration* registration = nullptr;  // null: not watched
    std::uint32_t generation = 0;          // counts how often it was put into the set
  };
  // mutex_ is held:
  Entry& entry(const Registration& registration);
  void remove(Registration& registration);
  // So is the registration's lock:
  // Watches it for `interests`. 0, or errno's value where that can't be: it is not watched, and who
  // waits comes into `refused`, to try again and be told.
  int set(Registration& registration, unsigned interests, task::TaskList& refused);
  int put(Registration& registration, unsigned interests);  // 0 or errno's value

  // epoll_wait(2), repeated after EINTR. How many there are.
  std::size_t wait(bool block, std::span<epoll_event> told) const;
  // Looks for whom `event` is. mutex_ is held.
  void tell(const epoll_event& event, task::TaskList& ready);

  // Before a registration's lock.
  base::Mutex mutex_;
  // Open from open() to close(). What is in it changes under mutex_.
  base::UniqueFd set_;
  // Guarded by mutex_. By descriptor, with room for each that has a registration. What the kernel
  // tells of has a number and a generation, not a pointer: it may have been forgotten since, or
  // closed behind our back while a copy is open elsewhere.
  std::vector<Entry> entries_;
  std::atomic<std::size_t> size_{0};
};

}  // namespace tonio::reactor
