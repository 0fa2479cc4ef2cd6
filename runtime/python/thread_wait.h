// How a thread that is no worker waits for the runtime: on an eventfd, and, on the main
// thread, on signals as well.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "python/py.h"

namespace tonio::python {

// Tells which thread is the interpreter's main thread: the caller.
void remember_main_thread();
bool on_main_thread();

// Signals that end the program reach the main thread while one of these lives: Python's
// handlers through its wake-up descriptor, and SIGTERM, where its disposition is the
// default, through a handler of ours that ends the run with SystemExit(143). The dump
// signal, where its disposition is the default, has the tasks written to standard error. On
// another thread it does nothing. Restores what was there. Any thread may be the one that a
// signal interrupts, so the pipe that handlers write to stays open for ever.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  bool active() const { return active_; }
  int fd() const;  // -1, which poll() ignores, while inactive
  // From now on handle() also calls `dispatch` with a bytes object that has the number of
  // every signal that has come, as often as it came; it gives None or an exception to be
  // raised. Attached.
  // What comes while another watch lives within this one (a handler waits, say) is handed over
  // by that one.
  void hand_to(Ref dispatch);
  // The same once, for `numbers` from take(). False with an exception set. Attached.
  [[nodiscard]] bool dispatch(const std::string& numbers);
  // The numbers of the signals that have come since they were last taken.
  std::string take();
  // Runs Python's handlers, and dumps the tasks if that was asked for. False with an
  // exception set when one of them raises, or when SIGTERM has come. Attached.
  [[nodiscard]] bool handle();
  // Whether handle() may have something to do of which the pipe does not tell: a signal that came
  // before the watch began, or with one whose handler has raised.
  bool due() const { return active_ && due_; }

  // In a forked child, where nobody watches: SIGTERM ends it again, and no signal is told to the
  // parent, whose pipe it is. Async-signal-safe.
  static void in_forked_child();

 private:
  // handle(), until one raises.
  bool handle_all();

  bool active_ = false;
  bool due_ = true;
  int previous_wakeup_fd_ = -1;
  bool owns_term_ = false;
  int dump_signal_ = 0;  // for which our handler was put in place; 0: none
  Ref dispatch_;         // or nothing

  // The one that has dispatch_, or null: of the one run. Main thread only.
  static SignalWatch* dispatching_;
};

// While one of these lives, SIGTERM, where its disposition is the default, is kept for the next
// SignalWatch, which may live within it. A second one that comes before ends the process. Main
// thread.
class TermKeeper {
 public:
  TermKeeper();
  ~TermKeeper();
  TermKeeper(const TermKeeper&) = delete;
  TermKeeper& operator=(const TermKeeper&) = delete;
};

// Whether a SIGTERM has come that nobody has heard. Any thread.
bool term_is_due();

// An eventfd that others write to.
class ThreadWait {
 public:
  ThreadWait();

  // False, with an OSError set, when there is no descriptor left to wait on.
  [[nodiscard]] bool check() const;
  int fd() const { return event_.get(); }

  enum class Woken { kEvent, kSignal, kDeadline };
  // Attached; detaches while it waits. `signals` may be inactive. Does not wait while they are due.
  Woken wait(const SignalWatch& signals, base::Instant deadline);

 private:
  base::UniqueFd event_;
};

}  // namespace tonio::python
