// The runtime of this process, as the interpreter sees it.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/intrusive_list.h"
#include "core/runtime.h"
#include "python/coro_task.h"
#include "python/embed.h"
#include "python/end_of_tasks.h"
#include "python/interpreter_hooks.h"
#include "python/py.h"
#include "python/thread_context.h"
#include "python/wake_target.h"
#include "task/task_pool.h"

namespace tonio::python {

class Host {
 public:
  // Before anything else; the one instance is never destroyed: objects that outlive the
  // interpreter's finalisation and threads that would not stop still refer to it.
  static void create();
  static Host& instance() { return *instance_; }

  core::Runtime& runtime() { return runtime_; }
  reactor::Reactor& reactor() { return runtime_.reactor(); }
  scheduler::Scheduler& scheduler() { return runtime_.scheduler(); }

  // What the command line and the environment said.
  HostOptions options;

  // Starts the runtime if it isn't running; once the program's end has stopped it, for the main
  // thread only. One thread at a time, attached. False with an exception set. Throws
  // std::bad_alloc.
  [[nodiscard]] bool ensure_started();
  // The same with other workers, that many. Nothing runs.
  [[nodiscard]] bool restart_workers(unsigned threads);
  // The program begins to end: asks all tasks to end, each once until shut_down() is done. Main
  // thread.
  void ask_all_to_end();
  // After that: EndOfTasks::ask_rest().
  void ask_rest_to_end() {
    if (program_end_) program_end_->ask_rest();
  }
  // The last step before the interpreter is finalised; see embed.h.
  void shut_down(std::vector<std::string>& left, const std::function<void()>& report);
  // True in a process that was forked from one that runs the runtime, whose threads did
  // not come along.
  bool forked() const { return forked_.load(std::memory_order_relaxed); }
  // Whether tasks may be spawned. Any thread. False with an exception set.
  [[nodiscard]] bool check_running();
  // The program's end stops the runtime, or has. Any thread.
  bool is_stopping() const {
    return stop_.load() != Stop::kNone && !running_.load(std::memory_order_acquire);
  }
  // Whether what a thread has just spawned comes to its turn: the program's end may have taken its
  // last look before. False with an exception set.
  [[nodiscard]] bool will_run_spawned();

  // An object for a new task, from the calling thread's stock. Attached. Throws std::bad_alloc.
  [[gnu::always_inline]] CoroTask& take_task() {
    ThreadContext* thread = this_thread;
    CoroTask& task = thread ? pool_.take(thread->free_tasks) : take_task_outside();
    count_begun();
    return task;
  }
  // The task in `task` has ended.
  void give_back(CoroTask& task) {
    task.state().end();
    pool_.give_back(this_thread->free_tasks, task);
    count_ended();
  }
  // For what counts as a task without being a CoroTask.
  void count_begun() {
    ThreadContext* thread = this_thread;
    if (!thread) return count_begun_outside();
    thread->begun.store(thread->begun.load(std::memory_order_relaxed) + 1,
                        std::memory_order_relaxed);
  }
  void count_ended() {
    ThreadContext& thread = *this_thread;
    thread.ended.store(thread.ended.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    if (watching_end_.load(std::memory_order_relaxed)) tell_end();
  }
  // Tasks that have begun and not ended. Exact once nothing runs.
  std::uint64_t live_tasks();
  // Those that no run has waited for in vain (EndOfTasks::give_up).
  std::uint64_t tasks_in_time();
  // What counts as a task without being one yet (SpawnBatch).
  std::uint64_t live_batches();
  // Those of the group; while something runs it may count others, but misses none.
  std::uint64_t live_tasks(TaskGroup group);
  // What tasks that this thread spawns take over.
  Origin current_origin() const {
    if (const CoroTask* task = current_task()) return task->origin();
    return {outside_group.load(std::memory_order_relaxed), era.load(std::memory_order_relaxed),
            false};
  }
  // What they belong to.
  TaskGroup current_group() const { return current_origin().group; }
  // Every task object, in use or not, and every thread that may run tasks. While the world
  // is stopped: no thread stops where it holds the locks that these take.
  template <typename Visit>
  void for_each_task(Visit&& visit) {
    pool_.for_each(visit);
  }
  template <typename Visit>
  void for_each_thread(Visit&& visit) {
    auto threads = threads_.lock();
    threads->contexts.for_each([&](const ThreadContext& thread) { visit(thread); });
  }

  // Hands the references over to the worker whose objects have `owner` as their ob_tid. False
  // when there is none, or no memory. Any thread.
  [[nodiscard]] bool give_to_owner(std::uintptr_t owner, std::span<PyObject*> objects);

  // Whether tasks of that group end. Any thread.
  bool is_ending(TaskGroup group) const;
  // While set, `fd` (an eventfd) is written to whenever the last live task ends.
  void watch_end_of_tasks(int fd);

  // A task has ended with an exception that ends the program (SystemExit, KeyboardInterrupt),
  // which nobody is raising: the run that is under way raises it, and once the program ends, its
  // end hears of it too. No exception is set.
  void abort_run(PyObject* exception);
  // Adds that exception, if there is any, to what a run waits for, or the program's end.
  void hear_tasks(Interruption& interruption);
  // What had waited for that task raises the exception: a run is not to.
  void forget_abort(PyObject* exception);
  // Who abort_run() tells.
  WakeTargets aborts;
  // Who is told when all workers have parked (Scheduler::report_idle).
  WakeTarget idle_target;

  // How long is waited for what is to end, in microseconds: the shutdown timeout. What is between
  // two steps needs a moment to notice, even without any.
  base::Instant grace() const {
    return std::max(kMoment, std::chrono::microseconds(options.shutdown_timeout).count());
  }
  static constexpr base::Instant kMoment = 100'000;
  base::Instant grace_deadline() const { return base::now() + grace(); }
  // Tasks and calls that are left are not waited for: somebody has asked twice since the main
  // thread's last run began.
  std::atomic<bool> stop_at_once{false};
  // Of the program's end: what signals have asked for, before it began or since. Main thread.
  Interruption end_interruption;
  // The program ends: from the join of threads until the runtime has stopped. Main thread; the
  // second time to no effect.
  void begin_end();
  void finish_end();
  // A new run begins: what one before has kept (EndOfTasks::keep) is forgotten, unless the program
  // ends, and who has asked twice meant that one.
  void begin_run() {
    if (on_main_thread() && !program_ends_.load()) {
      stop_at_once = false;
      end_interruption = Interruption();
    }
    if (ends_of_all_.load() == 0 && ends_kept_.exchange(false)) const EndOfTasks all(std::nullopt);
  }

  // A new one begins with each round of EndOfTasks::ask_tasks(): what an asked task starts
  // belongs to it, and is told from what was there before.
  std::atomic<std::uint32_t> era{0};

  // Per run: the group of its main task, and of tasks that no task has spawned.
  std::atomic<TaskGroup> outside_group{kNoGroup};

  // Per run: whether tasks get a copy of their spawner's contextvars.
  std::atomic<bool> contexts{false};

 private:
  friend class EndOfTasks;
  friend class InterpreterHooks;

  Host();

  static constexpr std::int64_t kNone = -1;
  std::atomic<std::int64_t> ending_{kNone};  // the group of the innermost EndOfTasks of one
  // How many of all tasks there are. Counted apart: one may overlap with that of a run on
  // another thread.
  std::atomic<unsigned> ends_of_all_{0};
  std::atomic<bool> ends_kept_{false};  // EndOfTasks::keep
  // EndOfTasks::give_up: whether any task is overdue, and how many batches.
  std::atomic<bool> some_are_overdue_{false};
  std::atomic<std::uint64_t> overdue_batches_{0};

  static void in_forked_child();

  // The tasks that have not ended, a line each. Attached; the workers have been stopped, or
  // are stuck in one step.
  std::vector<std::string> describe_tasks();

  // On a thread that isn't the runtime's.
  CoroTask& take_task_outside();
  void count_begun_outside();
  // Waits until the threads that have been started have made their thread states: fork()
  // must not come in between, which stops attached threads only. Detached.
  void await_starting_threads();
  bool may_start(bool on_main_thread) const {
    const Stop stop = stop_.load();
    return stop == Stop::kNone || (stop == Stop::kDone && on_main_thread);
  }
  // Waits for it detached, until the deadline: who holds it may wait for a worker that does not
  // end. Owns it, or not.
  std::unique_lock<std::mutex> lock_lifecycle(base::Instant deadline);
  // From here on nothing is spawned or started. False, and nothing has changed, when a thread has
  // spawned something since the last look.
  bool refuse_new_tasks();
  // The one of the program's end, which is made when it is asked for.
  EndOfTasks& program_end();
  // Until when the program's end waits for what is left.
  base::Instant end_deadline() const { return stop_at_once ? base::now() : grace_deadline(); }
  // Steps 1 and 2 of shut_down().
  void stop(std::vector<std::string>& left, const std::function<void()>& report);
  // Somebody waits for the last task to end; this may have been it.
  void tell_end();

  void register_thread(ThreadContext& context);
  void unregister_thread(ThreadContext& context);
  // From here on it is given nothing (give_to_owner).
  void end_ownership(ThreadContext& context);

  static Host* instance_;

  InterpreterHooks hooks_;
  core::Runtime runtime_;
  task::TaskPool<CoroTask> pool_;
  // Held over the start and the stop of the runtime's threads; taken detached.
  std::mutex lifecycle_;
  // Set under lifecycle_; the program's end takes it back without, and once more under it.
  std::atomic<bool> running_{false};
  // The program's end is stopping it, or has.
  enum class Stop : std::uint8_t { kNone, kUnderWay, kDone };
  std::atomic<Stop> stop_{Stop::kNone};
  std::optional<EndOfTasks> program_end_;  // main thread
  // The program leaves without something that would not stop: nothing is started any more.
  std::atomic<bool> left_behind_{false};
  std::atomic<bool> has_started_{false};  // at some time
  std::atomic<std::uint32_t> starting_threads_{0};
  std::atomic<bool> forked_{false};

  struct Threads {
    base::IntrusiveList<ThreadContext> contexts;
    // Totals of threads that have ended, and of those that aren't the runtime's.
    std::uint64_t begun = 0;
    std::uint64_t ended = 0;
    task::TaskList free_tasks;
  };
  base::Guarded<Threads> threads_;
  // Whether anybody wants to know when the last task ends; who is in end_target_.
  std::atomic<bool> watching_end_{false};
  WakeTarget end_target_;
  // The first that has come and was not taken yet. The run of another thread may be raising its own
  // while the end shows the other, so the end has a copy.
  struct Aborts {
    Ref for_run;
    Ref for_end;  // once the program ends
  };
  base::Guarded<Aborts> aborts_;
  std::atomic<bool> program_ends_{false};  // written with the lock of aborts_ held
};

}  // namespace tonio::python
