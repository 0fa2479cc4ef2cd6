// The CancelledError that interrupts a call on a blocking thread.
//
// CPython raises it at the thread's next bytecode, and that may be one of a finalizer, or of
// something else whose exceptions C code reports or drops: the call itself never hears of it. So it
// is of a class of its own, whose instance looks at its end how far it has come: one that has left
// the frame which it was in last, other than by ending the call, was lost, and is raised again.
#pragma once

#include "python/py.h"

namespace tonio::python {

// While it lives, interruptions on the thread that has made it are its own.
class Interruptible {
 public:
  Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

  // Both on the thread, attached. It has been raised there.
  virtual void interruption_raised() = 0;
  // Has interrupt() called again, if that was asked for.
  virtual void interruption_lost() = 0;

 protected:
  ~Interruptible();
};

// Raises it in the thread with that identifier (PyThread_get_thread_ident). Attached.
void interrupt(unsigned long thread);

// It has ended its call with `exception`: it is a CancelledError like others from here on.
void end_interruption(PyObject* exception);

[[nodiscard]] bool init_interruption();

}  // namespace tonio::python
