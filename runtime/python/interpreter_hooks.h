// The runtime's threads, as the interpreter sees them.
#pragma once

#include "scheduler/thread_hooks.h"

namespace tonio::python {

// Attaches and detaches the runtime's threads.
class InterpreterHooks final : public scheduler::ThreadHooks {
 public:
  void* prepare() override;
  void enter(void* state) override;
  void detach(void* state) override;
  bool flush(void* state) override;
  bool unsettled(void* state) override;
  void attach(void* state) override;
  void settle(void* state) override;
  void leave(void* state) override;
  void discard(void* state) override;
  void all_idle() override;
};

}  // namespace tonio::python
