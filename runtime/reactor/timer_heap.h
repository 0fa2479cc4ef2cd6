// Timers of any deadlines, the earliest in front: a 4-ary heap, so that adding and
// removing cost a few moves whatever the number. Not synchronised.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "task/task.h"

namespace tonio::reactor {

class TimerHeap {
 public:
  // The earliest, or null.
  task::Timer* front() const { return entries_.empty() ? nullptr : entries_.front().timer; }

  // By its deadline, which stays as it is while the timer is here.
  void add(task::Timer& timer);
  void remove(task::Timer& timer);

 private:
  static constexpr std::uint32_t kArity = 4;

  // With the deadline beside it: comparing touches no task.
  struct Entry {
    base::Instant deadline;
    task::Timer* timer;
  };

  void place(std::uint32_t position, Entry entry);
  void sift_up(std::uint32_t position, Entry entry);
  void sift_down(std::uint32_t position, Entry entry);

  std::vector<Entry> entries_;
};

}  // namespace tonio::reactor
