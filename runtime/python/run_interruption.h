// What ends a run, or the program's end, before what it waits for has ended.
#pragma once

#include <utility>

#include "python/py.h"

namespace tonio::python {

// Who raises it asks for the end of the program: SystemExit, KeyboardInterrupt.
[[nodiscard]] bool asks_for_end(PyObject* exception);

// Reports an exception that nobody is going to raise.
void report_lost(Ref exception);

// Makes `context` the context of the exception, in place of the one that it had. False, and
// nothing has changed, where the chain of contexts would lead back to the exception.
[[nodiscard]] bool set_context(PyObject* exception, PyObject* context);
// The same for one that nobody else is going to raise: reports it where the exception has a context
// already, or can't have this one.
void add_context(PyObject* exception, Ref context);

struct Interruption {
  // What is to be raised: the first that has come, but one that asks for the end before one that
  // does not.
  Ref exception;
  // By a signal: the end was asked for; its handler has raised something else.
  bool asked = false;
  bool failed = false;
  // Whether tasks that ask for the end interrupt it as well.
  bool hears_tasks = true;

  // Nothing is lost: what gives way becomes the other's context, or is reported. (One more request
  // for the end is only that.) Keeps no exception set.
  void add(Ref raised);

  // A signal's handler has raised the exception that is set. False when one has raised such a one
  // before: who asks twice does not want to wait.
  bool add_signal() {
    Ref raised = Ref::steal(PyErr_GetRaisedException());
    bool& before = asks_for_end(raised.get()) ? asked : failed;
    add(std::move(raised));
    return !std::exchange(before, true);
  }
};

}  // namespace tonio::python
