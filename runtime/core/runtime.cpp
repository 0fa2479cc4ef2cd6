// Start, on the main thread, before any user code:
//   1. the reactor's loop        (nobody polls it yet)
//   2. the blocking pool         (no threads yet)
//   3. the workers
// Stop, in reverse. The Python layer has cancelled all tasks and waited for them:
//   1. the blocking pool takes no more jobs, queued ones are dropped    (attached)
//   2. the workers end after their current step and are joined          (detached)
//   3. the blocking threads are joined                                  (detached)
//   4. the loop's handles are closed, and the loop
// If 2 or 3 does not happen in time, the loop stays open: a thread may still use it.
#include "core/runtime.h"

namespace tonio::core {
Runtime::Runtime(scheduler::ThreadHooks& hooks)
    : driver_(reactor_), scheduler_(driver_, hooks), blocking_pool_(hooks) {}

bool Runtime::start_workers(unsigned threads, std::string& error) {
  if (!scheduler_.start(threads)) {
    options_.threads = 0;
    error = "the system refuses " + std::to_string(threads) + " worker threads";
    return false;
  }
  options_.threads = threads;
  return true;
}

void Runtime::stop_workers() { (void)scheduler_.stop(base::kNever); }

void Runtime::configure_blocking(unsigned max_threads, std::chrono::milliseconds ttl) {
  blocking_pool_.configure(max_threads, ttl);
  options_.blocking_threads = max_threads;
  options_.blocking_ttl = ttl;
}

bool Runtime::start(const Options& options, std::string& error) {
  if (!reactor_.open(error)) {
    error = "the event loop can't be made: " + error;
    return false;
  }
  blocking_pool_.reopen();
  options_ = options;
  blocking_pool_.configure(options.blocking_threads, options.blocking_ttl);
  if (!start_workers(options.threads, error)) {
    reactor_.close();
    return false;
  }
  running_ = true;
  return true;
}

void Runtime::begin_stop() { blocking_pool_.close(); }

Runtime::Stopped Runtime::finish_stop(base::Instant deadline) {
  Stopped stopped;
  stopped.workers = scheduler_.stop(deadline);
  stopped.blocking_threads = blocking_pool_.join(deadline);
  if (stopped.all()) reactor_.close();
  running_ = false;
  return stopped;
}

}  // namespace tonio::core
