// The main thread, which waits anyway, looks for what could still wake a task.
// The pauses between the looks grow up to kLongestPause, and after a look that
// has found something which ends in a step of a worker there is none until all
// workers have become idle again: an idle process that waits for a socket, a
// timer or a blocking call is left in peace.
//
// A look is a sequence of snapshots, and none of them is missed by what happens
// meanwhile: whoever wakes or makes a task queues it, which wakes a worker,
// which makes a step, and the steps are counted before and after. What could do
// so without a worker's step in between (another thread, a blocking call)
// leaves that trace before it ends.
#include "python/deadlock.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <new>
#include <string>
#include <thread>

#include "python/errors.h"
#include "python/host.h"
#include "python/task_dump.h"

namespace tonio::python {
namespace {

constexpr base::Instant kLongestPause = 5'000'000;

// Threads of C libraries, too, which may attach themselves; 0: unknown. The
// kernel counts a link for each thread, so this is exact, which reading the
// directory would not be while threads begin and end.
std::size_t count_threads() {
  struct stat folder {};
  if (::stat("/proc/self/task", &folder) != 0) return 0;
  return folder.st_nlink - 2;
}

std::size_t first_threads = 0;

bool other_threads() {
  std::size_t known = first_threads;
  Host::instance().for_each_thread([&](const ThreadContext&) { ++known; });
  return first_threads == 0 || count_threads() != known;
}

// Whether a signal runs Python code other than what raises KeyboardInterrupt.
// Runs no Python code, in which a handler might raise.
bool handles_signals() {
  Ref module = Ref::steal(PyImport_ImportModule("_signal"));
  Ref interrupts =
      Ref::steal(module ? PyObject_GetAttrString(module.get(), "default_int_handler") : nullptr);
  for (int signal = 1; interrupts && signal < NSIG; ++signal) {
    Ref handler = Ref::steal(PyObject_CallMethod(module.get(), "getsignal", "i", signal));
    if (!handler) break;
    if (PyCallable_Check(handler.get()) && handler.get() != interrupts.get()) return true;
  }
  const bool failed = PyErr_Occurred();
  PyErr_Clear();
  return failed;
}

enum class Verdict {
  kGoesOn,   // until a worker has made a step or a signal has come
  kUnclear,  // what may wake a task may also go away without a step of a worker
  kStuck,
};

struct Look {
  Verdict verdict;
  std::uint64_t steps = 0;
  std::size_t tasks = 0;
};

// Timers of a clock that stands still, and that nothing moves, fire never.
bool timers_run() {
  Host& host = Host::instance();
  return host.reactor().has_timers() &&
         (!host.reactor().clock().frozen() || host.runtime().driver().jumps());
}

Look look() {
  Host& host = Host::instance();
  if (host.forked()) return {Verdict::kGoesOn};
  const auto steps = host.scheduler().idle_steps();
  if (!steps || timers_run()) return {Verdict::kGoesOn};
  Standstill seen;
  try {
    seen = look_for_standstill();
  } catch (const std::bad_alloc&) {
    return {Verdict::kGoesOn};
  }
  if (!seen.complete || handles_signals()) return {Verdict::kGoesOn};
  if (seen.other_threads || seen.tasks == 0 || seen.tasks != host.live_tasks() ||
      host.runtime().blocking_pool().busy() || other_threads()) {
    return {Verdict::kUnclear};
  }
  if (host.scheduler().idle_steps() != steps || timers_run()) {
    return {Verdict::kGoesOn};
  }
  return {Verdict::kStuck, *steps, seen.tasks};
}

void raise_deadlock() {
  Ref module = Ref::steal(PyImport_ImportModule("tonio._tasks"));
  Ref text = Ref::steal(module ? PyObject_CallMethod(module.get(), "deadlock", nullptr) : nullptr);
  if (text) PyErr_SetObject(deadlock_error, text.get());
}

}  // namespace

void remember_first_threads() {
#ifdef __SANITIZE_THREAD__
  // ThreadSanitizer's own thread comes with the first that is started, which is still counted for a
  // moment when it has been joined.
  std::string entry;
  std::thread([&] { entry = "/proc/self/task/" + std::to_string(::gettid()); }).join();
  while (::access(entry.c_str(), F_OK) == 0) std::this_thread::yield();
#endif
  first_threads = count_threads();
}

DeadlockWatch::DeadlockWatch(bool active, int fd) : active_(active) {
  if (!active_) return;
  Host::instance().idle_target.set(fd);
  schedule();
}

DeadlockWatch::~DeadlockWatch() {
  // In a forked child a worker may have held its lock, and there is none to tell anything.
  if (active_ && !Host::instance().forked()) Host::instance().idle_target.set(-1);
}

base::Instant DeadlockWatch::next_look() {
  if (active_ && look_at_ == base::kNever && !Host::instance().scheduler().reports_idle()) {
    schedule();
  }
  return look_at_;
}

bool DeadlockWatch::found() {
  if (!active_ || base::now() < look_at_) return false;
  pause_ = std::min(2 * pause_, kLongestPause);
  look_at_ = base::kNever;
  // Before the look: who is not idle in it will report, once it has settled as well.
  Host::instance().scheduler().report_idle();
  Host::instance().scheduler().wake_unsettled();
  const Look first = look();
  if (first.verdict == Verdict::kUnclear) schedule();
  if (first.verdict != Verdict::kStuck) {
    // The look itself may have dropped what a parked worker has to finalize, which then counted
    // as not idle and would report nothing.
    Host::instance().scheduler().wake_unsettled();
    return false;
  }
  // Finalizers of what nobody can reach may wake somebody.
  PyGC_Collect();
  if (PyErr_CheckSignals() != 0) return true;
  const Look second = look();
  if (second.verdict != Verdict::kStuck || first.steps != second.steps ||
      first.tasks != second.tasks) {
    schedule();
    return false;
  }
  raise_deadlock();
  return true;
}

}  // namespace tonio::python
