// What a thread of the runtime does so that it may run tasks; the interpreter's
// side implements it, tests pass one that does nothing.
#pragma once

namespace tonio::scheduler {

class ThreadHooks {
 public:
  // Makes the state that one thread will use. Called by another thread, attached or not,
  // before that thread starts; null when it can't be made (out of memory).
  virtual void* prepare() = 0;
  // First call on the new thread. Returns attached.
  virtual void enter(void* state) = 0;
  // A detached thread may block, and touches no Python object.
  virtual void detach(void* state) = 0;
  virtual void attach(void* state) = 0;
  // Now and then, and before a worker parks: hands over what it keeps for others. On an attached
  // thread, between two steps. Whether anything was handed over since the last time.
  virtual bool flush(void* state) {
    (void)state;
    return false;
  }
  // Now and then while a detached thread is idle: may attach, and tidies up what other
  // threads have left to it. Returns detached.
  virtual void settle(void* state) { (void)state; }
  // Whether settle() has something to do now, for a worker that has entered. Any thread.
  virtual bool unsettled(void* state) {
    (void)state;
    return false;
  }
  // All workers have parked (Scheduler::report_idle). On one of them, detached.
  virtual void all_idle() {}
  // Last call on the thread, attached. The state is gone afterwards.
  virtual void leave(void* state) = 0;
  // Instead of all the others, for a state whose thread could not be started.
  virtual void discard(void* state) = 0;

 protected:
  ~ThreadHooks() = default;
};

}  // namespace tonio::scheduler
