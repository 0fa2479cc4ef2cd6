// A runtime with workers, the real reactor, and no interpreter.
#pragma once

#include <string>

#include "base/check.h"
#include "core/runtime.h"
#include "support/fake_runtime.h"

namespace tonio::test {

class RunningRuntime {
 public:
  explicit RunningRuntime(unsigned workers) : runtime(hooks) {
    core::Options options;
    options.threads = workers;
    std::string error;
    TONIO_CHECK(runtime.start(options, error));
  }
  ~RunningRuntime() {
    runtime.begin_stop();
    TONIO_CHECK(runtime.finish_stop(base::kNever).all());
  }

  scheduler::Scheduler& scheduler() { return runtime.scheduler(); }
  reactor::Reactor& reactor() { return runtime.reactor(); }

  FakeHooks hooks;
  core::Runtime runtime;
};

}  // namespace tonio::test
