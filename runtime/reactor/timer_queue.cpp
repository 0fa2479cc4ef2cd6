#include "reactor/timer_queue.h"

#include <algorithm>
#include <limits>

namespace tonio::reactor {

using task::Timer;

bool TimerQueue::add(task::Task& task, base::Instant deadline) {
  Timer& timer = task.timer();
  base::MutexLock lock(mutex_);
  TONIO_DCHECK(!timer.set());
  timer.deadline = deadline;
  if (Lane* lane = lane_for(deadline)) {
    lane->insert_from_back(timer,
                           [deadline](const Timer& other) { return other.deadline <= deadline; });
  } else {
    heap_.add(timer);
  }
  size_.store(size() + 1, std::memory_order_relaxed);
  return deadline < poll_ends_;
}

void TimerQueue::remove(task::Task& task) {
  base::MutexLock lock(mutex_);
  if (task.timer().set()) take_out(task.timer());
}

void TimerQueue::fire_due(base::Instant now, std::size_t most, task::TaskList& ready) {
  if (size() == 0) return;
  base::MutexLock lock(mutex_);
  for (Timer* timer = earliest(); timer && timer->deadline <= now; timer = earliest()) {
    if (most == 0) break;
    take_out(*timer);
    // Under the lock: the task can't have removed its timer and gone on.
    if (timer->task.state().claim(task::WakeReason::kTimedOut) == task::Claim::kSchedule) {
      ready.push_back(timer->task);
      --most;
    }
  }
}

base::Instant TimerQueue::begin_poll(base::Instant latest) {
  base::MutexLock lock(mutex_);
  poll_ends_ = std::min(latest, first_deadline());
  return poll_ends_;
}

void TimerQueue::end_poll() {
  base::MutexLock lock(mutex_);
  poll_ends_ = 0;
}

TimerQueue::Lane* TimerQueue::lane_for(base::Instant deadline) {
  Lane* closest = nullptr;
  base::Instant closest_last = 0;
  for (Lane& lane : lanes_) {
    // An empty one as a last resort.
    const base::Instant last =
        lane.empty() ? std::numeric_limits<base::Instant>::min() : lane.back()->deadline;
    const bool fits = lane.empty() || last - kLate <= deadline;
    if (fits && (!closest || last > closest_last)) {
      closest = &lane;
      closest_last = last;
    }
  }
  return closest;
}

Timer* TimerQueue::earliest() {
  Timer* earliest = heap_.front();
  for (Lane& lane : lanes_) {
    Timer* first = lane.front();
    if (first && (!earliest || first->deadline < earliest->deadline)) earliest = first;
  }
  return earliest;
}

base::Instant TimerQueue::first_deadline() {
  const Timer* timer = earliest();
  return timer ? timer->deadline : base::kNever;
}

void TimerQueue::take_out(Timer& timer) {
  if (timer.linked()) {
    Lane::remove(timer);
  } else {
    heap_.remove(timer);
  }
  size_.store(size() - 1, std::memory_order_relaxed);
}

}  // namespace tonio::reactor
