#include "scheduler/local_queue.h"

#include "base/stress.h"
#include "scheduler/inject_queue.h"

namespace tonio::scheduler {

void LocalQueue::push_back(task::Task& task, InjectQueue& overflow) {
  for (;;) {
    // Acquire pairs with a thief's release when it is done copying: only then may
    // its slots be written again.
    const Head head = unpack(head_.load(std::memory_order_acquire));
    const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head.steal < kCapacity) {
      slots_[tail & kMask].store(&task, std::memory_order_relaxed);
      base::stress_point();
      // Pairs with the acquire of tail_ in steal_into().
      tail_.store(tail + 1, std::memory_order_release);
      return;
    }
    // A thief is about to make room, so there's nothing to move.
    if (head.steal != head.real) return overflow.push_back(task);
    if (move_half(head, task, overflow)) return;
  }
}

bool LocalQueue::move_half(Head head, task::Task& task, InjectQueue& overflow) {
  constexpr std::uint32_t kHalf = kCapacity / 2;
  std::uint64_t expected = pack(head);
  base::stress_point();
  const std::uint64_t next = pack({head.real + kHalf, head.real + kHalf});
  // Release: a thief that sees the new head must not read the moved slots.
  if (!head_.compare_exchange_strong(expected, next, std::memory_order_release,
                                     std::memory_order_relaxed)) {
    return false;  // a thief took some: there is room now
  }
  task::TaskList moved;
  for (std::uint32_t i = 0; i < kHalf; ++i) {
    moved.push_back(*slots_[(head.real + i) & kMask].load(std::memory_order_relaxed));
  }
  moved.push_back(task);
  overflow.push_back_all(moved);
  return true;
}

void LocalQueue::push_back_all(task::TaskList& tasks) {
  const Head head = unpack(head_.load(std::memory_order_acquire));
  std::uint32_t tail = tail_.load(std::memory_order_relaxed);
  while (tail - head.steal < kCapacity) {
    task::Task* task = tasks.pop_front();
    if (!task) break;
    slots_[tail & kMask].store(task, std::memory_order_relaxed);
    ++tail;
  }
  tail_.store(tail, std::memory_order_release);
}

task::Task* LocalQueue::pop() {
  std::uint64_t word = head_.load(std::memory_order_acquire);
  for (;;) {
    const Head head = unpack(word);
    if (head.real == tail_.load(std::memory_order_relaxed)) return nullptr;
    const std::uint32_t real = head.real + 1;
    base::stress_point();
    // While a thief copies, `steal` stays where it is.
    const std::uint64_t next =
        head.steal == head.real ? pack({real, real}) : pack({head.steal, real});
    if (head_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      return slots_[head.real & kMask].load(std::memory_order_relaxed);
    }
  }
}

task::Task* LocalQueue::pop_unshared() {
  const std::uint32_t real = unpack(head_.load(std::memory_order_relaxed)).real;
  if (real == tail_.load(std::memory_order_relaxed)) return nullptr;
  head_.store(pack({real + 1, real + 1}), std::memory_order_relaxed);
  return slots_[real & kMask].load(std::memory_order_relaxed);
}

task::Task* LocalQueue::steal_into(LocalQueue& into) {
  // The thief owns `into`: only its own pops and other thieves move that head.
  const std::uint32_t into_tail = into.tail_.load(std::memory_order_relaxed);
  const Head into_head = unpack(into.head_.load(std::memory_order_acquire));
  const std::uint32_t room = kCapacity - (into_tail - into_head.steal);

  std::uint64_t word = head_.load(std::memory_order_acquire);
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  for (;;) {
    const Head head = unpack(word);
    if (head.steal != head.real) return nullptr;  // another thief is at it
    // Pairs with the release in push_back(): the slots before it are written.
    const std::uint32_t tail = tail_.load(std::memory_order_acquire);
    count = tail - head.real;
    count -= count / 2;
    if (count > room + 1) count = room + 1;  // one is run at once
    if (count == 0 || count > kCapacity) return nullptr;
    first = head.real;
    base::stress_point();
    const std::uint64_t next = pack({head.steal, head.real + count});
    if (head_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      word = next;
      break;
    }
  }

  base::stress_point();
  for (std::uint32_t i = 0; i + 1 < count; ++i) {
    into.slots_[(into_tail + i) & kMask].store(
        slots_[(first + i) & kMask].load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  task::Task* run_now = slots_[(first + count - 1) & kMask].load(std::memory_order_relaxed);

  // Gives the slots back to the owner, which may have popped on meanwhile.
  for (;;) {
    const std::uint32_t real = unpack(word).real;
    if (head_.compare_exchange_weak(word, pack({real, real}), std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {
      break;
    }
  }
  base::stress_point();
  into.tail_.store(into_tail + count - 1, std::memory_order_release);
  return run_now;
}

std::uint32_t LocalQueue::size() const {
  const Head head = unpack(head_.load(std::memory_order_acquire));
  return tail_.load(std::memory_order_acquire) - head.real;
}

}  // namespace tonio::scheduler
