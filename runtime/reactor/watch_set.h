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
  // No look is under way and none will be. Registrations that somebody waits for fail with EBADF,
  // the tasks come into `ready`; so do those that somebody wants to wait for before it is opened
  // again.
  void close(task::TaskList& ready);
  // A snapshot.
  bool empty() const { return size_.load(std::memory_order_relaxed) == 0; }

  // Before the first wait for a descriptor of this number. Throws std::bad_alloc.
  void make_room(int fd);
  // Watches it for what tasks wait for. Where that can't be, the waits fail: their tasks come into
  // `failed`.
  void watch(Registration& registration, task::TaskList& failed);
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
  // Watches it for `interests`. Where that can't be, it fails, and is not watched.
  void set(Registration& registration, unsigned interests, task::TaskList& failed);
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
