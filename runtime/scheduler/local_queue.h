// A worker's own run queue: a bounded ring that its owner fills and empties at the
// two ends, and from whose head other workers steal half at a time.
//
// The head is two positions in one word. `real` is where the owner takes its next
// task. `steal` trails behind it while a thief copies what it has claimed: the slots
// between the two are the thief's and may not be overwritten yet. The scheme is that
// of tokio's multi-thread scheduler (runtime/scheduler/multi_thread/queue.rs), which
// follows Go's. Positions count up and wrap; a slot is position % capacity.
#pragma once

#include <array>
#include <cstdint>

#include "base/atomic.h"
#include "task/task.h"

namespace tonio::scheduler {

class InjectQueue;

class LocalQueue {
 public:
// A small ring makes overflow and wrapping happen all the time under test.
#ifdef TONIO_SMALL_QUEUES
  static constexpr std::uint32_t kCapacity = 4;
#else
  static constexpr std::uint32_t kCapacity = 256;
#endif

  // `first` is the first position: tests let the positions begin just before they wrap.
  explicit LocalQueue(std::uint32_t first = 0) : head_(pack({first, first})), tail_(first) {}
  LocalQueue(const LocalQueue&) = delete;
  LocalQueue& operator=(const LocalQueue&) = delete;

  // Owner only. A full ring moves its older half and `task` to `overflow`.
  void push_back(task::Task& task, InjectQueue& overflow);
  // Owner only. Appends as many of `tasks` as fit and leaves the rest there.
  void push_back_all(task::TaskList& tasks);
  // Owner only.
  task::Task* pop();
  // The same while no other worker exists that could steal: without an atomic exchange.
  task::Task* pop_unshared();

  // Any other worker, whose own queue is `into`: moves half of this queue there and
  // gives one more to run at once. Null when there was nothing to take.
  task::Task* steal_into(LocalQueue& into);

  // Exact for the owner, a snapshot for the others.
  std::uint32_t size() const;
  bool empty() const { return size() == 0; }

 private:
  static constexpr std::uint32_t kMask = kCapacity - 1;
  static_assert((kCapacity & kMask) == 0, "slots are found by masking");

  struct Head {
    std::uint32_t steal;
    std::uint32_t real;
  };
  static constexpr std::uint64_t pack(Head head) {
    return std::uint64_t{head.steal} << 32 | head.real;
  }
  static constexpr Head unpack(std::uint64_t word) {
    return {static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word)};
  }

  bool move_half(Head head, task::Task& task, InjectQueue& overflow);

  // Advanced by the owner and by thieves.
  alignas(64) base::Atomic<std::uint64_t> head_;
  // Written by the owner only.
  alignas(64) base::Atomic<std::uint32_t> tail_;
  // A slot is written by the owner before tail_ passes it.
  std::array<base::Atomic<task::Task*>, kCapacity> slots_{};
};

}  // namespace tonio::scheduler
