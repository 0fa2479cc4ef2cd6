#include "reactor/timer_heap.h"

#include <algorithm>

namespace tonio::reactor {

using task::Timer;

void TimerHeap::add(Timer& timer) {
  entries_.emplace_back();
  sift_up(static_cast<std::uint32_t>(entries_.size() - 1), {timer.deadline, &timer});
}

void TimerHeap::remove(Timer& timer) {
  const std::uint32_t position = timer.heap_position;
  timer.heap_position = Timer::kNowhere;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (position < entries_.size()) {
    // The last entry may belong above or below the hole.
    if (position > 0 && last.deadline < entries_[(position - 1) / kArity].deadline) {
      sift_up(position, last);
    } else {
      sift_down(position, last);
    }
  }
  // A million finished timers must not hold their memory for ever.
  if (entries_.capacity() > 1024 && entries_.size() * 8 < entries_.capacity()) {
    entries_.shrink_to_fit();
  }
}

void TimerHeap::place(std::uint32_t position, Entry entry) {
  entries_[position] = entry;
  entry.timer->heap_position = position;
}

void TimerHeap::sift_up(std::uint32_t position, Entry entry) {
  while (position > 0) {
    const std::uint32_t parent = (position - 1) / kArity;
    if (entries_[parent].deadline <= entry.deadline) break;
    place(position, entries_[parent]);
    position = parent;
  }
  place(position, entry);
}

void TimerHeap::sift_down(std::uint32_t position, Entry entry) {
  const auto size = static_cast<std::uint32_t>(entries_.size());
  for (;;) {
    const std::uint32_t first = position * kArity + 1;
    if (first >= size) break;
    const std::uint32_t last = std::min(first + kArity, size);
    std::uint32_t least = first;
    for (std::uint32_t child = first + 1; child < last; ++child) {
      if (entries_[child].deadline < entries_[least].deadline) least = child;
    }
    if (entry.deadline <= entries_[least].deadline) break;
    place(position, entries_[least]);
    position = least;
  }
  place(position, entry);
}

}  // namespace tonio::reactor
