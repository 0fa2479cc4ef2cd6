// Socket operations of which one task at a time may wait, for SocketStream: what two tasks
// receive or send at once would be mixed at random.
#pragma once

#include <atomic>
#include <new>

#include "python/coro_task.h"
#include "python/errors.h"
#include "python/socket_operation.h"

namespace tonio::python {

// The functions of an OperationKind that holds the socket's flag `busy` from its start to
// its end. `what` is "receiving" or "sending".
template <std::atomic<bool> Socket::*busy, const char* what, auto start>
struct Exclusive {
  static std::atomic<bool>& flag(PyObject* self) {
    return as_socket_operation(self)->socket->*busy;
  }

  static void let_go(PyObject* self) { flag(self).store(false, std::memory_order_release); }

  template <typename Act>
  static Poll hold(PyObject* self, CoroTask& task, Act&& act) {
    try {
      const Poll poll = act();
      if (poll != Poll::kPending) let_go(self);
      return poll;
    } catch (const std::bad_alloc&) {
      // What is armed is abandoned.
      if (!task.state().arming()) let_go(self);
      throw;
    }
  }

  static Poll begin(PyObject* self, CoroTask& task, PyObject*& result) {
    if (flag(self).exchange(true, std::memory_order_acquire)) {
      PyErr_Format(resource_busy_error, "another task is already %s on this SocketStream", what);
      return Poll::kError;
    }
    return hold(self, task, [&] { return start(self, task, result); });
  }

  static Poll resume(PyObject* self, CoroTask& task, PyObject*& result) {
    return hold(self, task, [&] { return resume_socket_operation(self, task, result); });
  }

  static void abandon(PyObject* self, CoroTask& task, bool woken) {
    abandon_socket_operation(self, task, woken);
    let_go(self);
  }

  static constexpr OperationKind kOperation{begin, resume, abandon};
};

}  // namespace tonio::python
