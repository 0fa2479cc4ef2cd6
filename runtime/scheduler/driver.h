// What the scheduler knows of the reactor.
#pragma once

#include "base/clock.h"
#include "task/task.h"

namespace tonio::scheduler {

class Driver {
 public:
  // Appends the tasks that readiness wakes to `ready`, those whose timers are due to
  // `due`. Blocks until there is one, until wake(), or until `deadline` (0: doesn't
  // block). One thread at a time: the worker that holds the baton, detached from the
  // interpreter whenever it blocks.
  virtual void poll(base::Instant deadline, task::TaskList& ready, task::TaskList& due) = 0;

  // Appends the tasks whose timers are due, without a poll. From any thread.
  virtual void fire_timers(task::TaskList& due) = 0;

  // Ends a poll that blocks now or blocks next. From any thread.
  virtual void wake() = 0;

  // Whether a worker that parks while no other one runs is to call wake().
  virtual bool watches_idle() const { return false; }

 protected:
  ~Driver() = default;
};

}  // namespace tonio::scheduler
