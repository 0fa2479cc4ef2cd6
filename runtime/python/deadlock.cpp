// The main thread, which waits anyway, looks now and then at everything that could still wake
// a task; the looks grow apart, up to kLongestPause, and only one that finds all workers
// parked, no timer and no blocking call goes on to stop the world.
#include "python/deadlock.h"

#include <dirent.h>

#include <algorithm>
#include <cstdint>

#include "python/errors.h"
#include "python/host.h"
#include "python/task_dump.h"

namespace tonio::python {
namespace {

constexpr base::Instant kLongestPause = 5'000'000;

// The process has no thread but this one and the runtime's. /proc counts those of C
// libraries, too, and those that start or end just now.
bool no_other_threads() {
  std::size_t known = 1;
  Host::instance().for_each_thread([&](const ThreadContext&) { ++known; });
  DIR* folder = ::opendir("/proc/self/task");
  if (!folder) return false;
  std::size_t threads = 0;
  while (const dirent* entry = ::readdir(folder)) threads += entry->d_name[0] != '.';
  ::closedir(folder);
  return threads == known;
}

// No Python handler but the one that raises KeyboardInterrupt.
bool no_handlers() {
  Ref module = Ref::steal(PyImport_ImportModule("tonio._tasks"));
  Ref answer = Ref::steal(
      module ? PyObject_CallMethod(module.get(), "has_signal_handlers", nullptr) : nullptr);
  if (!answer) PyErr_Clear();
  return answer && answer.get() == Py_False;
}

bool nothing_pending(std::uint64_t& steps) {
  Host& host = Host::instance();
  return !host.forked() && host.scheduler().stands_still(steps) && !host.reactor().has_timers() &&
         host.runtime().blocking_pool().pending() == 0;
}

// Everything; `steps` and `tasks` tell whether something happened between two calls.
bool stuck(std::uint64_t& steps, std::size_t& tasks) {
  if (!nothing_pending(steps) || !no_other_threads() || !no_handlers()) return false;
  const Standstill look = look_for_standstill();
  tasks = look.tasks;
  std::uint64_t after = 0;
  return look.complete && tasks > 0 && tasks == Host::instance().live_tasks() &&
         nothing_pending(after) && after == steps;
}

}  // namespace

DeadlockWatch::DeadlockWatch(bool active) : active_(active), look_at_(base::now() + pause_) {}

bool DeadlockWatch::found() {
  if (!active_ || base::now() < look_at_) return false;
  pause_ = std::min(2 * pause_, kLongestPause);
  look_at_ = base::now() + pause_;
  std::uint64_t steps = 0;
  std::uint64_t steps_again = 0;
  std::size_t tasks = 0;
  std::size_t tasks_again = 0;
  if (!stuck(steps, tasks)) return false;
  // Finalizers of what nobody can reach may wake somebody.
  PyGC_Collect();
  if (PyErr_CheckSignals() != 0) return true;
  if (!stuck(steps_again, tasks_again) || steps != steps_again || tasks != tasks_again) {
    return false;
  }
  if (!dump_tasks("deadlock: every task waits for another one")) return true;
  PyErr_SetString(deadlock_error,
                  "every task waits for another one, and nothing else can wake any: no timer, "
                  "socket, blocking call, thread or signal handler is left");
  return true;
}

}  // namespace tonio::python
