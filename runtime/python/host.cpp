#include "python/host.h"

#include <pthread.h>

#include <algorithm>
#include <thread>

#include "base/futex.h"
#include "base/log.h"
#include "python/arguments.h"
#include "python/async_generators.h"
#include "python/errors.h"
#include "python/exception_copy.h"
#include "python/run.h"
#include "python/running_calls.h"
#include "python/thread_wait.h"

namespace tonio::python {

constinit thread_local ThreadContext* this_thread = nullptr;

constinit Host* Host::instance_ = nullptr;

void Host::create() {
  if (!instance_) instance_ = new Host();
}

Host::Host() : runtime_(hooks_), pool_(runtime_.scheduler()) {}

void Host::await_starting_threads() {
  while (const std::uint32_t starting = starting_threads_.load()) {
    base::futex_wait(starting_threads_, starting);
  }
}

void Host::in_forked_child() {
  Host& host = instance();
  if (!host.has_started_.load(std::memory_order_relaxed)) return;
  host.running_.store(false, std::memory_order_relaxed);
  host.forked_.store(true, std::memory_order_relaxed);
  host.reactor().abandon();
  SignalWatch::in_forked_child();
}

namespace {

constexpr char kEnding[] = "the program is ending: nothing can be run any more";

bool refuse_to_start() {
  PyErr_SetString(not_initialized_error, kEnding);
  return false;
}

}  // namespace

bool Host::ensure_started() {
  if (running_.load(std::memory_order_acquire)) return true;
  if (forked() || left_behind_.load(std::memory_order_relaxed)) return check_running();
  const bool on_main = on_main_thread();
  // While the interpreter is finalised new threads could not attach any more, and this one would
  // wait for them.
  if (Py_IsFinalizing() || !may_start(on_main)) return refuse_to_start();
  if (!init_async_generators()) return false;
  static bool watches_forks = false;
  if (!watches_forks && pthread_atfork(nullptr, nullptr, in_forked_child) != 0) {
    PyErr_NoMemory();  // it fails for nothing else
    return false;
  }
  watches_forks = true;
  core::Options start;
  start.threads = options.threads.value_or(core::default_threads());
  start.blocking_threads = options.blocking_threads.value_or(start.blocking_threads);
  if (options.blocking_ttl) {
    start.blocking_ttl = to_milliseconds(*options.blocking_ttl);
  }
  start.shutdown_timeout = options.shutdown_timeout;
  std::string error;
  bool started = false;
  {
    // Making a thread state may stop the world, so this thread must not be attached.
    const Detached detached;
    const std::lock_guard lock(lifecycle_);
    // The end may have begun meanwhile.
    if (may_start(on_main)) {
      started = runtime_.start(start, error);
      await_starting_threads();
    }
    if (started) {
      has_started_.store(true, std::memory_order_relaxed);
      running_.store(true, std::memory_order_release);
    }
  }
  if (!started && error.empty()) return refuse_to_start();
  if (!started) PyErr_Format(PyExc_RuntimeError, "tonio can't start: %s", error.c_str());
  return started;
}

bool Host::restart_workers(unsigned threads) {
  std::string error;
  bool started = false;
  {
    const Detached detached;
    const std::lock_guard lock(lifecycle_);
    // The end may have stopped it.
    if (running_.load(std::memory_order_relaxed)) {
      runtime_.stop_workers();
      started = runtime_.start_workers(threads, error);
      await_starting_threads();
    }
  }
  if (!started && error.empty()) return refuse_to_start();
  if (!started) PyErr_Format(PyExc_RuntimeError, "tonio can't run: %s", error.c_str());
  return started;
}

bool Host::check_running() {
  if (running_.load(std::memory_order_acquire)) return true;
  const char* reason =
      "there is no runtime: use this inside a coroutine that tonio.run() runs, or start the "
      "program with `tonio run`";
  if (forked()) {
    reason =
        "this process was forked from one that runs tonio, and the runtime did not come along: "
        "start a new process instead (subprocess, or multiprocessing with the start method "
        "\"spawn\")";
  } else if (left_behind_.load(std::memory_order_relaxed)) {
    reason =
        "the program is ending, and something in it would not stop: nothing can be run any more";
  } else if (!may_start(on_main_thread())) {
    reason = kEnding;
  }
  PyErr_SetString(not_initialized_error, reason);
  return false;
}

bool Host::will_run_spawned() {
  // Pairs with refuse_new_tasks(): one of both sees the other.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (running_.load(std::memory_order_relaxed)) return true;
  return forked() ? check_running() : refuse_to_start();
}

namespace {

void report_tasks(const std::vector<std::string>& lines) {
  std::string text = "tonio: tasks that would not stop:\n";
  for (const std::string& line : lines) text += "  " + line + "\n";
  PySys_FormatStderr("%s", text.c_str());
}

}  // namespace

// 1. tasks are cancelled and run their finally blocks
// 2. the runtime stops in core::Runtime's order
// Whatever is left after that, or was before, keeps the interpreter from being finalised.
void Host::shut_down(std::vector<std::string>& left, const std::function<void()>& report) {
  begin_end();
  bool runs = running_.load(std::memory_order_acquire);
  if (!runs) {
    // Somebody may be starting it just now.
    const auto lock = lock_lifecycle(end_deadline());
    runs = !lock || running_.load(std::memory_order_relaxed);
    if (!runs) stop_.store(Stop::kDone);
  }
  if (runs) stop(left, report);
  program_end_.reset();
  finish_end();
  if (!left.empty()) left_behind_.store(true, std::memory_order_relaxed);
}

std::unique_lock<std::mutex> Host::lock_lifecycle(base::Instant deadline) {
  std::unique_lock lock(lifecycle_, std::defer_lock);
  const Detached detached;
  while (!lock.try_lock() && base::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return lock;
}

bool Host::refuse_new_tasks() {
  if (tasks_in_time() > 0) return false;
  const Stop before = stop_.exchange(Stop::kUnderWay);
  running_.store(false, std::memory_order_release);
  // Pairs with will_run_spawned().
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (tasks_in_time() == 0) return true;
  running_.store(true, std::memory_order_release);
  stop_.store(before);
  return false;
}

void Host::stop(std::vector<std::string>& left, const std::function<void()>& report) {
  const base::Instant deadline = end_deadline();
  base::log(base::LogLevel::kInfo, "the runtime stops");
  auto waited = Waited::kForAll;
  Interruption& interruption = end_interruption;
  interruption.failed = false;
  // No run is there to raise what a task has asked for.
  const auto tell = [&] {
    hear_tasks(interruption);
    if (!interruption.exception) return;
    PyErr_SetRaisedException(interruption.exception.release());
    report();
  };
  do {
    waited = end_tasks(program_end(), deadline, interruption);
    // Otherwise somebody did not want to wait, or a run has said it already.
    if (waited == Waited::kUntilDeadline && live_tasks() > 0 && !stop_at_once) {
      base::log(base::LogLevel::kWarn, "tasks that would not end within the shutdown timeout: " +
                                           std::to_string(live_tasks()));
    }
    tell();
    if (forked()) return;  // by a signal's handler
  } while (waited == Waited::kForAll && !refuse_new_tasks());
  stop_.store(Stop::kUnderWay);
  running_.store(false, std::memory_order_release);
  const base::Instant at_least = base::now() + kMoment;
  auto lock = lock_lifecycle(live_tasks() > 0 ? at_least : std::max(deadline, at_least));
  if (!lock) {
    left.emplace_back("a thread of the runtime");
    return;
  }
  running_.store(false, std::memory_order_release);  // a start that was under way
  runtime_.begin_stop();
  end_calls(deadline, interruption);
  tell();
  if (forked()) return;
  // What has no time left needs a moment to notice.
  const bool has_time =
      !stop_at_once && live_tasks() == 0 && (!calls_run() || calls_in_time(std::nullopt) > 0);
  const base::Instant moment = base::now() + kMoment;
  core::Runtime::Stopped stopped;
  {
    const Detached detached;
    stopped = runtime_.finish_stop(has_time ? std::max(deadline, moment) : moment);
  }
  stop_.store(Stop::kDone);
  lock.unlock();
  tell();
  const std::size_t before = left.size();
  if (!stopped.workers) {
    for (std::string& line : describe_tasks()) left.push_back(std::move(line));
  } else if (live_tasks() > (waited == Waited::kForAll ? tasks_in_time() : 0)) {
    // Suspended for ever: no worker is left that could run them. Where all had ended, those in time
    // have come since, and their spawners were refused (will_run_spawned).
    report_tasks(describe_tasks());
  }
  if (!stopped.blocking_threads) describe_blocking_calls(left);
  // It is between two tasks or calls, in a finalizer.
  if (!stopped.all() && left.size() == before) left.emplace_back("a thread of the runtime");
}

void Host::register_thread(ThreadContext& context) { threads_.lock()->contexts.push_back(context); }

void Host::unregister_thread(ThreadContext& context) {
  pool_.flush(context.free_tasks);
  auto threads = threads_.lock();
  threads->begun += context.begun.load(std::memory_order_relaxed);
  threads->ended += context.ended.load(std::memory_order_relaxed);
  threads->contexts.remove(context);
}

bool Host::give_to_owner(std::uintptr_t owner, std::span<PyObject*> objects) {
  auto threads = threads_.lock();
  bool given = false;
  threads->contexts.for_each([&](ThreadContext& thread) {
    if (thread.owner_id == owner) given = thread.drops.receive(objects);
  });
  return given;
}

void Host::end_ownership(ThreadContext& context) {
  auto threads = threads_.lock();
  context.owner_id = _Py_UNOWNED_TID;
}

CoroTask& Host::take_task_outside() { return pool_.take(threads_.lock()->free_tasks); }

void Host::count_begun_outside() { ++threads_.lock()->begun; }

void Host::tell_end() {
  // Of two threads that end the last two tasks, at least one sees the other's count.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (live_tasks() == 0) end_target_.wake();
}

std::uint64_t Host::live_tasks() {
  auto threads = threads_.lock();
  // Ended ones first: a task counted as ended has been counted as begun.
  std::uint64_t ended = threads->ended;
  threads->contexts.for_each(
      [&](const ThreadContext& thread) { ended += thread.ended.load(std::memory_order_acquire); });
  std::uint64_t begun = threads->begun;
  threads->contexts.for_each(
      [&](const ThreadContext& thread) { begun += thread.begun.load(std::memory_order_acquire); });
  return begun - ended;
}

std::uint64_t Host::tasks_in_time() {
  const std::uint64_t live = live_tasks();
  if (live == 0 || !some_are_overdue_.load()) return live;
  std::uint64_t overdue = 0;
  pool_.for_each([&](const CoroTask& task) {
    overdue += task.state().overdue() && !task.state().ended() ? 1 : 0;
  });
  if (const std::uint64_t batches = overdue_batches_.load(); batches > 0) {
    overdue += std::min(batches, live_batches());
  }
  return live - std::min(live, overdue);
}

std::uint64_t Host::live_batches() {
  std::uint64_t tasks = 0;
  pool_.for_each([&](const CoroTask& task) { tasks += task.state().ended() ? 0 : 1; });
  const std::uint64_t live = live_tasks();
  return live - std::min(live, tasks);
}

std::uint64_t Host::live_tasks(TaskGroup group) {
  const std::uint64_t before = live_tasks();
  if (before == 0) return 0;
  std::uint64_t all = 0;
  std::uint64_t found = 0;
  pool_.for_each([&](const CoroTask& task) {
    if (task.state().ended()) return;
    ++all;
    if (task.group() == group) ++found;
  });
  // What is to be made yet (SpawnBatch), or was made behind the search, may belong to it.
  const std::uint64_t total = std::max(before, live_tasks());
  return found + (total > all ? total - all : 0);
}

EndOfTasks& Host::program_end() {
  if (!program_end_) program_end_.emplace(std::nullopt);
  return *program_end_;
}

void Host::ask_all_to_end() { program_end().ask_tasks(); }

bool Host::is_ending(TaskGroup group) const {
  const std::int64_t ending = ending_.load();
  return ending == std::int64_t{group} || ends_of_all_.load() > 0;
}

void Host::watch_end_of_tasks(int fd) {
  end_target_.set(fd);
  watching_end_.store(fd >= 0, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

std::vector<std::string> Host::describe_tasks() {
  constexpr std::size_t kMost = 20;
  std::vector<const CoroTask*> live;
  pool_.for_each([&](const CoroTask& task) {
    if (!task.state().ended()) live.push_back(&task);
  });
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < std::min(live.size(), kMost); ++i) {
    lines.push_back(live[i]->describe());
  }
  if (live.size() > kMost) {
    lines.push_back("and " + std::to_string(live.size() - kMost) + " more tasks");
  }
  // In batches; nobody counts these.
  if (live_tasks() > live.size()) lines.emplace_back("tasks that have not begun");
  return lines;
}

void Host::abort_run(PyObject* exception) {
  Ref for_run = Ref::borrow(exception);
  // A copy that goes may run __del__ of the program's, so there is none while only runs hear of it.
  Ref for_end = program_ends_.load() ? copy_exception(exception) : Ref::borrow(exception);
  {
    // Neither loses its last reference with the lock held.
    auto waiting = aborts_.lock();
    if (!waiting->for_run) waiting->for_run = std::move(for_run);
    if (program_ends_.load() && !waiting->for_end) waiting->for_end = std::move(for_end);
  }
  aborts.wake();
}

void Host::begin_end() {
  if (forked()) return;  // the lock may be the parent's
  Ref unheard;
  {
    auto waiting = aborts_.lock();
    if (program_ends_.exchange(true)) return;
    unheard = Ref::borrow(waiting->for_run.get());
  }
  if (!unheard) return;
  // The run of another thread may still hear it as well.
  Ref for_end = copy_exception(unheard.get());
  auto waiting = aborts_.lock();
  std::swap(waiting->for_end, for_end);
}

void Host::finish_end() {
  if (forked()) return;
  Aborts dropped;
  auto waiting = aborts_.lock();
  program_ends_.store(false);
  std::swap(*waiting, dropped);
}

void Host::hear_tasks(Interruption& interruption) {
  if (forked()) return;
  Ref heard;
  Ref dropped;
  {
    auto waiting = aborts_.lock();
    if (program_ends_.load() && on_main_thread()) {
      heard = std::move(waiting->for_end);
      // No run is there that would raise it.
      if (!runs_elsewhere()) dropped = std::move(waiting->for_run);
    } else {
      heard = std::move(waiting->for_run);
    }
  }
  interruption.add(std::move(heard));
}

void Host::forget_abort(PyObject* exception) {
  if (forked()) return;
  Ref dropped;
  auto waiting = aborts_.lock();
  if (waiting->for_run.get() == exception) dropped = std::move(waiting->for_run);
}

}  // namespace tonio::python
