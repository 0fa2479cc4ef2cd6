// The composition root: one reactor, one scheduler, one blocking pool.
#pragma once

#include <memory>
#include <string>

#include "core/options.h"
#include "core/reactor_driver.h"
#include "reactor/reactor.h"
#include "scheduler/blocking_pool.h"
#include "scheduler/scheduler.h"

namespace tonio::core {

class Runtime {
 public:
  explicit Runtime(scheduler::ThreadHooks& hooks);
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Brings everything up; see runtime.cpp for the order. By the main thread, which
  // is detached: a new thread may stop the world while it attaches.
  // False with the reason in `error`, and nothing is left running; std::bad_alloc likewise.
  [[nodiscard]] bool start(const Options& options, std::string& error);

  // To change the number of workers while no task exists; detached.
  void stop_workers();
  [[nodiscard]] bool start_workers(unsigned threads, std::string& error);
  void configure_blocking(unsigned max_threads, std::chrono::milliseconds ttl);

  // The reverse of start(), in two steps around the detaching of the main thread.
  // Attached: no more blocking jobs; those that wait are dropped.
  void begin_stop();
  // Detached: joins the workers and the blocking threads, at most until `deadline`,
  // then closes the loop. What would not end is told; the threads concerned go on
  // running and this object must stay as it is.
  struct Stopped {
    bool workers = true;
    bool blocking_threads = true;
    bool all() const { return workers && blocking_threads; }
  };
  Stopped finish_stop(base::Instant deadline);

  bool running() const { return running_; }
  const Options& options() const { return options_; }

  reactor::Reactor& reactor() { return reactor_; }
  ReactorDriver& driver() { return driver_; }
  scheduler::Scheduler& scheduler() { return scheduler_; }
  scheduler::BlockingPool& blocking_pool() { return blocking_pool_; }

 private:
  // Main thread only.
  bool running_ = false;
  Options options_;

  reactor::Reactor reactor_;
  ReactorDriver driver_;
  scheduler::Scheduler scheduler_;
  scheduler::BlockingPool blocking_pool_;
};

}  // namespace tonio::core
