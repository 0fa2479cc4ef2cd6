// One worker thread: takes tasks from its queue, its colleagues' and the shared one,
// and when there is none it parks: the first to park takes the baton and drives the
// reactor, the others sleep.
#pragma once

#include <cstdint>
#include <vector>

#include "base/atomic.h"
#include "base/clock.h"
#include "base/thread.h"
#include "scheduler/backlog.h"
#include "scheduler/inject_queue.h"
#include "scheduler/local_queue.h"
#include "scheduler/parker.h"
#include "task/task.h"

namespace tonio::scheduler {

class Scheduler;
struct Crew;

class Worker {
 public:
  Worker(Scheduler& scheduler, Crew& crew, unsigned index);

  // Starts the thread; `thread_state` comes from ThreadHooks::prepare. False when the
  // system refuses another thread.
  [[nodiscard]] bool start(void* thread_state);
  // Waits for the thread to end, at most until `deadline`. False when it hasn't.
  [[nodiscard]] bool join(base::Instant deadline);

  // On the worker's own thread. A task that was woken runs next; one that is new
  // waits its turn.
  void push_woken(task::Task& task);
  void push_new(task::Task& task);
  void push_new(task::TaskList& tasks);
  // A large spawn, which the worker makes when nothing is ready.
  void push_large(task::Task& spawn);
  // For the large spawn that this worker runs. Whether it has its turn, in which colleagues take
  // parts of it; else it asks for one (Outcome::kToBacklog).
  bool is_on_turn(const task::Task& spawn) const { return backlog_.on_turn() == &spawn; }
  // Whether large spawns were pushed in this turn.
  bool has_nested_spawn() const { return backlog_.pushed_in_turn(); }
  // It is about to be deleted.
  void end_turn() { backlog_.end_turn(); }
  // What has given way in its turn.
  void push_ready(task::Task& task) { push_back(task); }

  unsigned index() const { return index_; }

 private:
  friend class Scheduler;

  // Steps between two looks at the driver, and at the shared queue and the overflow. Odd and
  // apart, so that they don't fall together.
  static constexpr std::uint32_t kDriverInterval = 61, kInjectInterval = 31;
  // Where there is always something ready, the backlog has a turn after so many steps, more than
  // a turn makes tasks: those would become ever more otherwise. Or, looked at more often, when its
  // last one is so long ago, in microseconds.
  static constexpr std::uint32_t kBacklogInterval = 8, kLongBacklogInterval = 256;
  static constexpr base::Instant kBacklogPeriod = 20'000;
  // A poll costs as much as a dozen short steps, so a busy worker leaves this much time
  // between two looks. In microseconds.
  static constexpr base::Instant kDriverPeriod = 50;
  // Tasks run from the LIFO slot in a row before the others get a turn.
  static constexpr unsigned kLifoRuns = 3;
  // Tasks taken at once from the shared queue and from overflows.
  static constexpr std::size_t kInjectBatch = LocalQueue::kCapacity / 2;
  // While somebody runs, one idle worker looks this often whether it is stuck in a
  // long step and work or the driver is left waiting meanwhile. In microseconds.
  static constexpr base::Instant kWatchPeriod = 2'000;
  // Two tasks that wake each other in steps shorter than this, in microseconds, stay on one
  // worker: apart they would wait for each other's cache lines instead of working.
  static constexpr base::Instant kPairPeriod = 50;

  void thread_main();
  void run(task::Task& task);
  // In the midst of work: polls without blocking, or only fires timers.
  void look_at_driver();
  // With the baton: the driver's poll, and the timers.
  void poll(base::Instant deadline, task::TaskList& ready);
  // Appends to what is about to be queued as many tasks as there is room for. The others stay with
  // the driver, in the order of their deadlines.
  void fire_timers(task::TaskList& ready);
  // By the worker whose task gives way: whether no colleague is to be told of it.
  bool makes_pair();
  task::Task* next_task();
  // Takes up to `count` tasks from there; gives the first, the others go to the local queue.
  task::Task* take(InjectQueue& from, std::size_t count);
  // Behind all that is queued here, what has overflowed included.
  void push_back(task::Task& task);
  // Into the queue as far as there is room, so before what has overflowed: what a poll, a wake or
  // take() brings at once.
  void append(task::TaskList& tasks);
  task::Task* search();
  // Colleagues no longer rely on this one to find what there is.
  void stop_searching();
  task::Task* steal();
  bool rescue_stalled_work();

  void park();
  void drive();
  void sleep();
  void keep_watch();
  // What colleagues may take.
  bool holds_work() const { return !queue_.empty() || !overflow_.empty() || !backlog_.empty(); }
  bool has_local_work() const {
    return lifo_slot_.load(std::memory_order_relaxed) != nullptr || holds_work();
  }

  Scheduler& scheduler_;
  Crew& crew_;  // its own and its colleagues'
  const unsigned index_;
  void* thread_state_ = nullptr;
  base::Thread thread_;
  base::Atomic<std::uint32_t> ended_{0};  // futex of join()

  // Own thread pushes and pops, others steal.
  LocalQueue queue_;
  // What did not fit in it. Not in the queue that all share: coroutines that run elsewhere than
  // where they were made cost the interpreter several times as much.
  InjectQueue overflow_;
  Backlog backlog_;
  // The task to run next. Own thread puts it there; a colleague takes it only when
  // this worker is stuck in a step.
  base::Atomic<task::Task*> lifo_slot_{nullptr};
  // Steps so far; written by the own thread, watched by others.
  base::Atomic<std::uint32_t> tick_{0};

  // Own thread only.
  bool searching_ = false;
  bool keeps_pair_ = false;
  base::Instant last_pair_ = 0;
  unsigned lifo_runs_ = 0;
  base::Instant last_look_at_driver_ = 0;
  // The step of the last poll, and after how many more what it has found has had its turn, if
  // nothing else takes steps meanwhile.
  std::uint32_t last_poll_tick_ = 0;
  std::size_t steps_between_polls_ = 0;
  base::Instant last_turn_ = 0;  // of the backlog, when it ended
  std::uint32_t random_;
  // What rescue_stalled_work() saw last, and when.
  std::vector<std::uint32_t> seen_ticks_;
  base::Instant last_look_ = 0;

  Parker parker_;
};

}  // namespace tonio::scheduler
