#include "scheduler/worker.h"

#include <algorithm>
#include <string>
#include <system_error>
#include <utility>

#include "base/futex.h"
#include "base/stress.h"
#include "base/thread.h"
#include "scheduler/scheduler.h"

namespace tonio::scheduler {

Worker::Worker(Scheduler& scheduler, Crew& crew, unsigned index)
    : scheduler_(scheduler), crew_(crew), index_(index), random_(index * 2'654'435'761u + 1) {}

bool Worker::start(void* thread_state) {
  thread_state_ = thread_state;
  seen_ticks_.resize(crew_.workers.size());
  try {
    thread_ = base::start_thread("tonio-work-" + std::to_string(index_), [this] { thread_main(); });
  } catch (const std::system_error&) {
    return false;
  }
  return true;
}

bool Worker::join(base::Instant deadline) {
  if (!thread_.joinable()) return true;
  while (ended_.load(std::memory_order_acquire) == 0) {
    if (!base::futex_wait(ended_, 0, deadline)) break;
  }
  if (ended_.load(std::memory_order_acquire) == 0) {
    thread_.detach();
    return false;
  }
  thread_.join();
  return true;
}

void Worker::thread_main() {
  Scheduler::set_current(this);
  ThreadHooks& hooks = scheduler_.hooks_;
  hooks.enter(thread_state_);
  while (!scheduler_.stopping()) {
    const std::uint32_t tick = tick_.load(std::memory_order_relaxed) + 1;
    tick_.store(tick, std::memory_order_relaxed);
    if (tick % kDriverInterval == 0) {
      look_at_driver();
      // Not while colleagues rely on this one to look for work: it may run finalizers.
      if (!searching_ && hooks.flush(thread_state_)) scheduler_.wake_unsettled();
      // Where all are busy, nobody else looks.
      if (crew_.workers.size() > 1) (void)rescue_stalled_work();
    }
    base::stress_point();
    task::Task* task = next_task();
    if (!task) task = search();
    if (task) {
      run(*task);
    } else {
      park();
    }
  }
  hooks.leave(thread_state_);
  Scheduler::set_current(nullptr);
  ended_.store(1, std::memory_order_release);
  base::futex_wake(ended_, 1);
}

void Worker::stop_searching() {
  if (!searching_) return;
  searching_ = false;
  // The last one to search: what is there, or comes to be, is for the next to find.
  if (crew_.idle.end_searching()) scheduler_.notify();
}

void Worker::run(task::Task& task) {
  stop_searching();
  const bool pair = std::exchange(keeps_pair_, false);
  // Work that waits behind this task is for an idle colleague. A pair's other task waits for this
  // step: its wake has bounded the poll (push_woken), so somebody sees when the step is a long one.
  if (!pair && crew_.idle.somebody_sleeps() && (holds_work() || backlog_.on_turn())) {
    scheduler_.notify();
  }
  // What it has not begun, and what gives way, may come to wait behind a long first step of
  // it, which nobody is told of.
  const bool turn = backlog_.on_turn() != nullptr;
  if (turn) scheduler_.bound_poll();
  switch (task.run()) {
    case task::Task::Outcome::kGone:
      break;
    case task::Task::Outcome::kGaveWay:
      keeps_pair_ = makes_pair();
      push_back(task);
      break;
    case task::Task::Outcome::kToBacklog:
      backlog_.put_back(task);
      break;
  }
  if (turn) {
    last_turn_ = base::now();
    // It was as long as many steps.
    look_at_driver();
  }
}

// It has woken one task, and nothing else is ready: the two may be sender and receiver.
bool Worker::makes_pair() {
  if (!lifo_slot_.load(std::memory_order_relaxed) || holds_work() || backlog_.on_turn() ||
      !crew_.idle.somebody_sleeps()) {
    return false;
  }
  const base::Instant now = base::now();
  return now - std::exchange(last_pair_, now) < kPairPeriod;
}

void Worker::look_at_driver() {
  const base::Instant now = base::now();
  if (now - last_look_at_driver_ < kDriverPeriod) return;
  task::TaskList ready;
  // What the last poll has found waits for its turn: a poll would find it again, and what else it
  // finds would come after it. The difference wraps around, so the next poll may once come later.
  if (tick_.load(std::memory_order_relaxed) - last_poll_tick_ < steps_between_polls_) {
    fire_timers(ready);
  } else {
    if (!scheduler_.try_take_baton()) return;
    poll(0, ready);
    scheduler_.release_baton();
    // A colleague that parked meanwhile has found the baton taken.
    scheduler_.ensure_watcher();
  }
  last_look_at_driver_ = now;
  push_new(ready);
}

void Worker::poll(base::Instant deadline, task::TaskList& ready) {
  scheduler_.driver_.poll(deadline, ready);
  last_poll_tick_ = tick_.load(std::memory_order_relaxed);
  steps_between_polls_ = ready.empty() ? 0 : queue_.size() + ready.size();
  fire_timers(ready);
}

void Worker::fire_timers(task::TaskList& ready) {
  const std::size_t taken = queue_.size() + ready.size();
  std::size_t room = taken < LocalQueue::kCapacity ? LocalQueue::kCapacity - taken : 0;
  // Where a poll has found so much, the looks that follow only fire timers. Else the queue may be
  // full each time, of tasks that give way.
  if (room == 0 && ready.empty()) room = 1;
  if (room > 0) scheduler_.driver_.fire_timers(room, ready);
}

void Worker::push_woken(task::Task& task) {
  base::stress_point();
  task::Task* displaced = lifo_slot_.exchange(&task, std::memory_order_acq_rel);
  base::stress_point();
  if (displaced) {
    push_back(*displaced);
    scheduler_.notify();
  } else {
    scheduler_.bound_poll();
  }
}

// One task alone is mostly what the running one is about to wait for, so no colleague is
// woken for it: run() does that if the next step finds it still waiting, and
// rescue_stalled_work() if the running step is a long one.
void Worker::push_new(task::Task& task) {
  const bool alone = !has_local_work();
  push_back(task);
  base::stress_point();
  if (alone) {
    scheduler_.bound_poll();
  } else {
    scheduler_.notify();
  }
}

void Worker::push_new(task::TaskList& tasks) {
  if (tasks.empty()) return;
  append(tasks);
  scheduler_.notify();
}

void Worker::push_large(task::Task& spawn) {
  backlog_.push(spawn);
  scheduler_.notify();
}

void Worker::push_back(task::Task& task) {
  // Before what has overflowed it would come again and again.
  if (overflow_.empty()) {
    queue_.push_back(task, overflow_);
  } else {
    overflow_.push_back(task);
  }
}

void Worker::append(task::TaskList& tasks) {
  queue_.push_back_all(tasks);
  if (!tasks.empty()) overflow_.push_back_all(tasks);
}

task::Task* Worker::next_task() {
  const std::uint32_t tick = tick_.load(std::memory_order_relaxed);
  if (tick % kInjectInterval == 0) {
    const bool mine_first = tick / kInjectInterval % 2 == 0;
    // The overflow may be most of the work, and what polls bring keep the queue filled: up to half
    // of the steps are for it.
    const std::size_t room = LocalQueue::kCapacity - queue_.size();
    const std::size_t most = std::clamp<std::size_t>(room, 1, kInjectInterval / 2);
    const auto take_from = [&](bool mine) {
      return mine ? take(overflow_, most) : take(scheduler_.inject_, 1);
    };
    if (task::Task* task = take_from(mine_first)) return task;
    if (task::Task* task = take_from(!mine_first)) return task;
  }
  if (tick % kBacklogInterval == 0 && !backlog_.empty() &&
      (tick % kLongBacklogInterval == 0 || base::now() - last_turn_ >= kBacklogPeriod)) {
    if (task::Task* task = backlog_.pop()) return task;
  }
  if (lifo_slot_.load(std::memory_order_relaxed)) {
    if (task::Task* task = lifo_slot_.exchange(nullptr, std::memory_order_acq_rel)) {
      if (++lifo_runs_ <= kLifoRuns) return task;
      push_back(*task);
    }
  }
  lifo_runs_ = 0;
  const bool alone = crew_.workers.size() == 1;
  if (task::Task* task = alone ? queue_.pop_unshared() : queue_.pop()) return task;
  if (task::Task* task = take(overflow_, kInjectBatch)) return task;
  if (task::Task* task = take(scheduler_.inject_, kInjectBatch)) return task;
  return backlog_.pop();
}

task::Task* Worker::take(InjectQueue& from, std::size_t count) {
  task::TaskList taken;
  from.pop(count, taken);
  task::Task* first = taken.pop_front();
  if (!taken.empty()) {
    append(taken);
    // With its fence: run() only looks whether somebody sleeps, and a colleague that parks
    // just now might see neither these tasks in the queue nor be seen.
    scheduler_.notify();
  }
  return first;
}

task::Task* Worker::search() {
  if (!searching_) searching_ = crew_.idle.begin_searching();
  if (!searching_) return nullptr;
  if (task::Task* task = steal()) return task;
  return take(scheduler_.inject_, kInjectBatch);
}

task::Task* Worker::steal() {
  const auto& workers = crew_.workers;
  // xorshift: where the round begins, so that thieves spread out.
  random_ ^= random_ << 13;
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  const std::size_t start = random_ % workers.size();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    Worker& victim = *workers[(start + i) % workers.size()];
    if (&victim == this) continue;
    // First what is the most work at once and has not been begun.
    if (task::Task* spawn = victim.backlog_.steal()) {
      backlog_.push(*spawn);
      if (task::Task* mine = backlog_.pop()) return mine;
    }
    if (task::Task* task = victim.queue_.steal_into(queue_)) return task;
    if (task::Task* task = take(victim.overflow_, kInjectBatch)) return task;
  }
  return nullptr;
}

bool Worker::rescue_stalled_work() {
  // A step counts as long when it lasts from one look to the next.
  const base::Instant now = base::now();
  if (now - last_look_ < kWatchPeriod) return false;
  last_look_ = now;
  const auto& workers = crew_.workers;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    Worker& victim = *workers[i];
    if (&victim == this) continue;
    const std::uint32_t tick = victim.tick_.load(std::memory_order_relaxed);
    if (tick != seen_ticks_[i]) {
      seen_ticks_[i] = tick;
      continue;
    }
    task::Task* task = victim.lifo_slot_.load(std::memory_order_relaxed)
                           ? victim.lifo_slot_.exchange(nullptr, std::memory_order_acq_rel)
                           : nullptr;
    if (!task) task = victim.queue_.steal_into(queue_);
    if (!task) task = take(victim.overflow_, kInjectBatch);
    if (task) {
      push_back(*task);
      return true;
    }
    if (task::Task* spawn = victim.backlog_.steal()) {
      backlog_.push(*spawn);
      return true;
    }
  }
  return false;
}

void Worker::park() {
  // This may free objects, whose finalizers wake tasks.
  (void)scheduler_.hooks_.flush(thread_state_);  // wake_unsettled() follows
  if (has_local_work()) return;
  const bool was_searching = searching_;
  base::stress_point();
  searching_ = false;
  if (crew_.idle.park(index_, was_searching) && scheduler_.work_waits()) {
    scheduler_.notify();
  }
  scheduler_.wake_unsettled();
  scheduler_.hooks_.detach(thread_state_);
  scheduler_.report_if_idle(crew_);
  while (!scheduler_.stopping()) {
    base::stress_point();
    // Whoever has dropped something after this look finds this worker parked.
    if (scheduler_.hooks_.unsettled(thread_state_)) {
      searching_ = !crew_.idle.unpark(index_);
      break;
    }
    if (scheduler_.try_take_baton()) {
      drive();
    } else {
      sleep();
    }
    base::stress_point();
    if (has_local_work()) {
      searching_ = !crew_.idle.unpark(index_);
      break;
    }
    if (!crew_.idle.parked(index_)) {
      searching_ = true;  // a notifier counted it as one
      break;
    }
  }
  base::stress_point();
  // At the end, too: from here on nobody looks at its thread state.
  if (scheduler_.stopping()) (void)crew_.idle.unpark(index_);
  // No request can come any more: nobody counts this worker among the parked.
  if (parker_.take_watch_request()) {
    scheduler_.has_watcher_.store(false, std::memory_order_seq_cst);
  }
  scheduler_.ensure_watcher();
  if (scheduler_.hooks_.unsettled(thread_state_)) {
    // Finalizers may take long, and what this worker was woken for, or the poll has given it,
    // must not wait.
    stop_searching();
    if (holds_work()) scheduler_.notify();
    scheduler_.hooks_.settle(thread_state_);
  }
  scheduler_.hooks_.attach(thread_state_);
  if (queue_.size() > 1) scheduler_.notify();
}

void Worker::drive() {
  if (!parker_.begin_drive()) {
    scheduler_.release_baton();
    return;
  }
  scheduler_.polls_.fetch_add(1, std::memory_order_relaxed);
  bool colleagues_run = crew_.idle.somebody_runs();
  if (!colleagues_run) {
    // The flag first, then the look that decides: a colleague that runs later sees the
    // flag when it gets a task that it tells nobody of.
    scheduler_.endless_poll_.store(true, std::memory_order_seq_cst);
    colleagues_run = crew_.idle.somebody_runs();
  }
  base::stress_point();
  task::TaskList ready;
  poll(colleagues_run ? base::now() + kWatchPeriod : base::kNever, ready);
  scheduler_.endless_poll_.store(false, std::memory_order_relaxed);
  parker_.end_drive();
  base::stress_point();
  scheduler_.release_baton();
  append(ready);
  if (colleagues_run && queue_.empty()) rescue_stalled_work();
}

void Worker::sleep() {
  const Parker::Woken woken = parker_.sleep(base::kNever);
  if (!woken.watch) return;
  if (!woken.notified) keep_watch();
  base::stress_point();
  // Before park() looks at the baton: ensure_watcher() does it the other way round.
  scheduler_.has_watcher_.store(false, std::memory_order_seq_cst);
}

// Somebody left the driver to run tasks, and nobody took it over: so that whoever
// comes back soon finds it, and connections stay where they are. This worker takes
// it over only when that takes too long.
void Worker::keep_watch() {
  std::uint32_t seen_polls = scheduler_.polls_.load(std::memory_order_relaxed);
  for (;;) {
    if (parker_.sleep(base::now() + kWatchPeriod).notified) return;
    if (scheduler_.stopping() || rescue_stalled_work()) return;
    const std::uint32_t polls = scheduler_.polls_.load(std::memory_order_relaxed);
    // Either the driver is free and was left alone for a whole period, and park()
    // takes it; or everybody is idle, and there is nothing to watch.
    if (polls == seen_polls) return;
    seen_polls = polls;
  }
}

}  // namespace tonio::scheduler
