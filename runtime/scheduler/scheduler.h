// Runs tasks on a pool of workers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/atomic.h"
#include "base/clock.h"
#include "scheduler/driver.h"
#include "scheduler/idle.h"
#include "scheduler/inject_queue.h"
#include "scheduler/thread_hooks.h"
#include "scheduler/worker.h"
#include "task/task.h"

namespace tonio::scheduler {

// The workers of one start. Set up before the first of their threads runs, constant then.
struct Crew {
  explicit Crew(unsigned size) : idle(size) {}

  Idle idle;
  std::vector<std::unique_ptr<Worker>> workers;
};

class Scheduler final : public task::Waker {
 public:
  Scheduler(Driver& driver, ThreadHooks& hooks);
  // The workers have been stopped.
  ~Scheduler();

  // Starts `workers` (at least 1) threads. By an attached thread. False when the system refuses a
  // thread, std::bad_alloc where there is no memory; those that were made have ended again then.
  [[nodiscard]] bool start(unsigned workers);
  // Asks every worker to end after its current step and waits, at most until
  // `deadline`. Tasks that are left in the queues stay there. By a detached thread.
  // False when a worker is stuck in a step: it must be left alone from then on, and
  // this object must not be destroyed.
  [[nodiscard]] bool stop(base::Instant deadline);

  unsigned workers() const {
    return static_cast<unsigned>(crew_.load(std::memory_order_relaxed)->workers.size());
  }

  // Takes over an owned task that was woken: it runs next on a worker that wakes it.
  void wake(task::Task& task) override;
  // Takes over new tasks: they run in order, behind what is ready. From any thread.
  void spawn(task::Task& task);
  void spawn(task::TaskList& tasks);
  // Takes over a task that makes many (Outcome::kToBacklog): it runs when nothing is ready.
  void spawn_large(task::Task& spawn);

  // What the calling thread has dropped and a worker has made waits for that worker, which may
  // sleep for long (ThreadHooks::settle): wakes it. Finalizers run late otherwise, or never.
  void wake_unsettled();

  // The steps so far, if every worker is parked and settled, and no task is queued: the same
  // answer twice means that nothing ran in between. From any thread.
  std::optional<std::uint64_t> idle_steps() const;
  // Asks for one call of ThreadHooks::all_idle(), by the worker that is the last to park
  // after this. Whoever finds a worker running afterwards may rely on it.
  void report_idle() { reports_idle_.store(true, std::memory_order_seq_cst); }
  // Asked for and not yet made.
  bool reports_idle() const { return reports_idle_.load(std::memory_order_acquire); }

  // The worker whose thread this is, or null.
  static Worker* current();

 private:
  friend class Worker;

  static void set_current(Worker* worker);

  bool stopping() const { return stopping_.load(std::memory_order_acquire); }
  // Wakes a parked worker if nobody looks for work already.
  void notify();
  // The same by a thread that is none of the workers.
  void notify_from_outside();
  void unpark(Worker& worker);
  bool work_waits() const;

  // The baton: the right to call Driver::poll.
  bool try_take_baton() { return !baton_.exchange(true, std::memory_order_seq_cst); }
  void release_baton() { baton_.store(false, std::memory_order_seq_cst); }

  // By a worker that has parked. Of two that park at once the second sees nobody run.
  void report_if_idle(const Crew& crew) {
    if (driver_.watches_idle() && !crew.idle.somebody_runs()) driver_.wake();
    if (reports_idle_.load(std::memory_order_seq_cst) && !crew.idle.somebody_runs() &&
        reports_idle_.exchange(false, std::memory_order_seq_cst)) {
      hooks_.all_idle();
    }
  }

  // By a worker that has released the baton and goes on to run tasks: asks a sleeper
  // to keep watch while nobody polls.
  void ensure_watcher();
  // By a worker that has got one task and tells nobody: a poll without end becomes one that looks,
  // now and then, whether the worker is stuck.
  void bound_poll() {
    if (endless_poll_.load(std::memory_order_seq_cst) &&
        endless_poll_.exchange(false, std::memory_order_seq_cst)) {
      driver_.wake();
    }
  }

  Driver& driver_;
  ThreadHooks& hooks_;

  // That of the last start; null before the first one.
  base::Atomic<Crew*> crew_{nullptr};
  // All that there were: a thread outside may still look at one while the next starts.
  std::vector<std::unique_ptr<Crew>> crews_;

  InjectQueue inject_;
  base::Atomic<bool> stopping_{false};
  base::Atomic<bool> baton_{false};
  // A worker was asked to keep watch. Set under the lock of the crew's sleepers, taken
  // back by the worker that was asked, at the latest when it leaves its park.
  base::Atomic<bool> has_watcher_{false};
  // The poll under way ends for nothing but events: nobody ran when it began.
  base::Atomic<bool> endless_poll_{false};
  base::Atomic<bool> reports_idle_{false};
  // Blocking polls begun so far.
  base::Atomic<std::uint32_t> polls_{0};
};

}  // namespace tonio::scheduler
