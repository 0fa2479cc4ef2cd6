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

#include <new>

#include "base/log.h"

namespace tonio::core {
namespace {

void log_end(const std::string& what, bool ended) {
  if (ended) {
    base::log(base::LogLevel::kDebug, what + " have ended");
  } else {
    base::log(base::LogLevel::kWarn, what + " would not end within the shutdown timeout");
  }
}

}  // namespace

Runtime::Runtime(scheduler::ThreadHooks& hooks)
    : driver_(reactor_, scheduler_, blocking_pool_),
      scheduler_(driver_, hooks),
      blocking_pool_(hooks) {}

bool Runtime::start_workers(unsigned threads, std::string& error) {
  options_.threads = 0;
  // Before anything is running, which a lack of memory would leave behind.
  const std::string count = std::to_string(threads);
  const std::string started = count + " workers have been started";
  if (!scheduler_.start(threads)) {
    error = "the system refuses " + count + " worker threads";
    return false;
  }
  options_.threads = threads;
  base::log(base::LogLevel::kInfo, started);
  return true;
}

void Runtime::stop_workers() { (void)scheduler_.stop(base::kNever); }

void Runtime::configure_blocking(unsigned max_threads, std::chrono::milliseconds ttl) {
  blocking_pool_.configure(max_threads, ttl);
  base::log(base::LogLevel::kDebug,
            "the blocking pool has up to " + std::to_string(max_threads) + " threads");
  options_.blocking_threads = max_threads;
  options_.blocking_ttl = ttl;
}

bool Runtime::start(const Options& options, std::string& error) {
  if (!reactor_.open(error)) {
    error = "the event loop can't be made: " + error;
    return false;
  }
  base::log(base::LogLevel::kDebug, "the event loop is open");
  try {
    blocking_pool_.reopen();
    options_ = options;
    configure_blocking(options.blocking_threads, options.blocking_ttl);
    running_ = start_workers(options.threads, error);
  } catch (const std::bad_alloc&) {
    reactor_.close();
    throw;
  }
  if (!running_) reactor_.close();
  return running_;
}

void Runtime::begin_stop() {
  base::log(base::LogLevel::kDebug, "the blocking pool takes no more jobs");
  blocking_pool_.close();
}

Runtime::Stopped Runtime::finish_stop(base::Instant deadline) {
  Stopped stopped;
  stopped.workers = scheduler_.stop(deadline);
  log_end("the workers", stopped.workers);
  stopped.blocking_threads = blocking_pool_.join(deadline);
  log_end("the blocking threads", stopped.blocking_threads);
  if (stopped.all()) {
    reactor_.close();
    base::log(base::LogLevel::kInfo, "the runtime has stopped");
  }
  running_ = false;
  return stopped;
}

}  // namespace tonio::core
