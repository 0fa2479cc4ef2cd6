// What the scheduler knows of the reactor.
#pragma once

#include <cstddef>

#include "base/clock.h"
#include "task/task.h"

namespace tonio::scheduler {

class Driver {
 public:
  // Appends the tasks that became ready to `ready`. Blocks until there is one, until a
  // timer is due, until wake(), or until `deadline` (0: doesn't block). One thread at a
  // time: the worker that holds the baton, detached from the interpreter whenever it
  // blocks.
  virtual void poll(base::Instant deadline, task::TaskList& ready) = 0;

  // Appends the tasks whose timers are due, at most `most` (at least 1), those first that
  // are due the longest. From any thread.
  virtual void fire_timers(std::size_t most, task::TaskList& due) = 0;

  // Ends a poll that blocks now or blocks next. From any thread.
  virtual void wake() = 0;

  // Whether a worker that parks while no other one runs is to call wake().
  virtual bool watches_idle() const { return false; }

 protected:
  ~Driver() = default;
};

}  // namespace tonio::scheduler
