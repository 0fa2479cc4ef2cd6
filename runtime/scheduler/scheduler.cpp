#include "scheduler/scheduler.h"

#include <new>
#include <utility>

#include "base/check.h"
#include "base/stress.h"

namespace tonio::scheduler {

Scheduler::Scheduler(Driver& driver, ThreadHooks& hooks) : driver_(driver), hooks_(hooks) {}

Scheduler::~Scheduler() {
  task::TaskList left;
  inject_.pop(inject_.size(), left);
  left.clear();
}

Worker* Scheduler::current() { return base::OfThread<Worker>::get(); }
void Scheduler::set_current(Worker* worker) { base::OfThread<Worker>::set(worker); }

bool Scheduler::start(unsigned workers) {
  TONIO_CHECK(workers >= 1);
  stopping_.store(false, std::memory_order_relaxed);
  has_watcher_.store(false, std::memory_order_relaxed);
  endless_poll_.store(false, std::memory_order_relaxed);
  // All states and workers exist before the first thread runs: workers look at each
  // other, and a state is prepared before its thread starts.
  auto made = std::make_unique<Crew>(workers);
  Crew& crew = *made;
  for (unsigned i = 0; i < workers; ++i) {
    crew.workers.push_back(std::make_unique<Worker>(*this, crew, i));
  }
  std::vector<void*> states(workers);
  crews_.push_back(std::move(made));
  for (void*& state : states) state = hooks_.prepare();
  crew_.store(&crew, std::memory_order_seq_cst);
  std::size_t started = 0;
  bool no_memory = false;
  try {
    while (started < workers && states[started] && crew.workers[started]->start(states[started])) {
      ++started;
    }
    no_memory = started < workers && !states[started];
  } catch (const std::bad_alloc&) {
    no_memory = true;
  }
  if (started == workers) return true;
  for (std::size_t i = started; i < workers; ++i) {
    if (states[i]) hooks_.discard(states[i]);
  }
  // They have nothing to run, so they end at once.
  TONIO_CHECK(stop(base::kNever));
  if (no_memory) throw std::bad_alloc();
  return false;
}

bool Scheduler::stop(base::Instant deadline) {
  Crew* crew = crew_.load(std::memory_order_relaxed);
  if (!crew) return true;
  base::stress_point();
  stopping_.store(true, std::memory_order_release);
  for (auto& worker : crew->workers) unpark(*worker);
  bool all_ended = true;
  for (auto& worker : crew->workers) all_ended = worker->join(deadline) && all_ended;
  if (!all_ended) return false;
  // What they hadn't run goes to the workers of the next start.
  for (auto& worker : crew->workers) {
    if (task::Task* task = worker->lifo_slot_.exchange(nullptr, std::memory_order_relaxed)) {
      inject_.push_back(*task);
    }
    while (task::Task* task = worker->queue_.pop()) inject_.push_back(*task);
    task::TaskList overflow;
    worker->overflow_.pop(worker->overflow_.size(), overflow);
    inject_.push_back_all(overflow);
    while (task::Task* spawn = worker->backlog_.pop()) {
      worker->backlog_.end_turn();
      inject_.push_back(*spawn);
    }
  }
  return true;
}

void Scheduler::wake(task::Task& task) {
  if (Worker* worker = current(); worker && &worker->scheduler_ == this) {
    worker->push_woken(task);
  } else {
    inject_.push_back(task);
    notify_from_outside();
  }
}

void Scheduler::spawn(task::Task& task) {
  if (Worker* worker = current(); worker && &worker->scheduler_ == this) {
    worker->push_new(task);
  } else {
    inject_.push_back(task);
    notify_from_outside();
  }
}

void Scheduler::spawn(task::TaskList& tasks) {
  if (tasks.empty()) return;
  Worker* worker = current();
  // They stay where they were made.
  if (worker && &worker->scheduler_ == this) return worker->push_new(tasks);
  inject_.push_back_all(tasks);
  notify_from_outside();
}

void Scheduler::spawn_large(task::Task& spawn) {
  if (Worker* worker = current(); worker && &worker->scheduler_ == this) {
    worker->push_large(spawn);
  } else {
    inject_.push_back(spawn);
    notify_from_outside();
  }
}

void Scheduler::notify() {
  base::stress_point();
  Crew* crew = crew_.load(std::memory_order_acquire);
  if (!crew) return;  // not started yet: the workers will look
  if (const auto index = crew->idle.worker_to_notify()) unpark(*crew->workers[*index]);
}

void Scheduler::notify_from_outside() {
  // Pairs with Idle::park(): either the workers of a start that goes on just now find the
  // task before they sleep, or this finds them and not their predecessors.
  base::atomic_fence(std::memory_order_seq_cst);
  notify();
}

void Scheduler::unpark(Worker& worker) {
  if (worker.parker_.unpark()) driver_.wake();
}

bool Scheduler::work_waits() const {
  if (!inject_.empty()) return true;
  for (const auto& worker : crew_.load(std::memory_order_relaxed)->workers) {
    if (worker->holds_work()) return true;
  }
  return false;
}

void Scheduler::wake_unsettled() {
  Crew* crew = crew_.load(std::memory_order_acquire);
  if (!crew) return;
  crew->idle.for_each_parked([this, crew](unsigned index) {
    Worker& worker = *crew->workers[index];
    if (hooks_.unsettled(worker.thread_state_)) unpark(worker);
  });
}

std::optional<std::uint64_t> Scheduler::idle_steps() const {
  Crew* crew = crew_.load(std::memory_order_acquire);
  if (!crew || stopping() || crew->idle.somebody_runs() || work_waits()) return std::nullopt;
  bool settled = true;
  crew->idle.for_each_parked([&](unsigned index) {
    if (hooks_.unsettled(crew->workers[index]->thread_state_)) settled = false;
  });
  if (!settled) return std::nullopt;
  std::uint64_t steps = 0;
  for (const auto& worker : crew->workers) {
    if (worker->lifo_slot_.load(std::memory_order_relaxed)) return std::nullopt;
    steps += worker->tick_.load(std::memory_order_relaxed);
  }
  // One that has begun to run meanwhile may or may not have counted its step.
  if (crew->idle.somebody_runs()) return std::nullopt;
  return steps;
}

void Scheduler::ensure_watcher() {
  if (baton_.load(std::memory_order_seq_cst)) return;  // somebody polls
  // A watcher that gives up its watch just now looks at the baton after that.
  base::stress_point();
  if (has_watcher_.load(std::memory_order_seq_cst)) return;
  Crew& crew = *crew_.load(std::memory_order_relaxed);
  crew.idle.with_parked([this, &crew](unsigned sleeper) {
    if (has_watcher_.exchange(true, std::memory_order_seq_cst)) return;
    crew.workers[sleeper]->parker_.request_watch();
  });
}

}  // namespace tonio::scheduler
