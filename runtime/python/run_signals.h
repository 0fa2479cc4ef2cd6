// The signals that a run hands to receivers (tonio.signal_receiver): while the
// run lasts, handlers of tonio._signals stand in for those that were there.
#pragma once

#include <optional>
#include <vector>

#include "python/py.h"
#include "python/thread_wait.h"

namespace tonio::python {

[[nodiscard]] bool init_run_signals(PyObject* module);

// Main thread, attached. Lives within the life of its SignalWatch.
class RunSignals {
 public:
  explicit RunSignals(SignalWatch& watch) : watch_(watch) {}
  // Removes what is still installed; what that raises is reported.
  ~RunSignals();
  RunSignals(const RunSignals&) = delete;
  RunSignals& operator=(const RunSignals&) = delete;

  // Installs handlers for the signals that the command line gave and for those
  // that the run asks for (a tuple, or null). False with an exception set, and
  // nothing installed.
  [[nodiscard]] bool install(const std::optional<std::vector<int>>& given, PyObject* asked);
  bool installed() const { return static_cast<bool>(module_); }
  // Hands out what has come so far and puts back what was there. False with an
  // exception set when a handler raised; everything is put back in that case,
  // too.
  [[nodiscard]] bool remove();

 private:
  SignalWatch& watch_;
  Ref module_;  // tonio._signals, while handlers are installed
};

}  // namespace tonio::python
