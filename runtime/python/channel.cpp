// The channel itself is an object that programs don't see: both ends and the operations
// that wait on it own it together. It owns the messages that are buffered, and those that
// blocked senders carry (sync::Channel), each by a reference of its own.
#include "python/channel.h"

#include <cerrno>
#include <cstddef>
#include <new>
#include <utility>

#include "python/arguments.h"
#include "python/coro_task.h"
#include "python/entry.h"
#include "python/operation.h"
#include "sync/channel.h"

namespace tonio::python {
namespace {

using Outcome = sync::Channel::Outcome;

struct Channel {
  PyObject_HEAD sync::Channel channel;
};

// Sender, UnboundedSender and Receiver.
struct End {
  PyObject_HEAD PyObject* weak_references;
  Channel* channel;  // owned
};

// Sending or receiving one message.
struct Transfer {
  Operation base;
  Channel* channel;   // owned
  PyObject* message;  // to be sent, owned: what is sent has a reference of its own; or null
};

PyTypeObject channel_type = empty_type();
PyTypeObject sender_type = empty_type();
PyTypeObject unbounded_sender_type = empty_type();
PyTypeObject receiver_type = empty_type();
PyTypeObject send_type = empty_type();
PyTypeObject receive_type = empty_type();

Channel* as_channel(PyObject* self) { return reinterpret_cast<Channel*>(self); }
End* as_end(PyObject* self) { return reinterpret_cast<End*>(self); }
Transfer* as_transfer(PyObject* self) { return reinterpret_cast<Transfer*>(self); }
PyObject* as_message(void* message) { return static_cast<PyObject*>(message); }

Channel* own(Channel* channel) {
  return as_channel(Py_NewRef(reinterpret_cast<PyObject*>(channel)));
}

void set_closed_error() {
  PyObject* error =
      PyObject_CallFunction(PyExc_BrokenPipeError, "is", EPIPE, "the channel is closed");
  if (error) PyErr_SetRaisedException(error);
}

// The channel

int channel_traverse(PyObject* self, visitproc visit, void* arg) {
  int stopped = 0;
  as_channel(self)->channel.for_each_message([&](void* message) {
    if (stopped == 0) stopped = visit(as_message(message), arg);
  });
  return stopped;
}

int channel_clear(PyObject* self) {
  // One by one, without the lock: what is freed may use the channel.
  while (void* message = as_channel(self)->channel.take()) Py_DECREF(as_message(message));
  return 0;
}

void channel_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  // Messages may be ends of further channels, as many as one likes.
  Py_TRASHCAN_BEGIN(self, channel_dealloc)
      // Nobody waits: a waiting task holds its operation, and that the channel.
      channel_clear(self);
  as_channel(self)->channel.~Channel();
  PyObject_GC_Del(self);
  Py_TRASHCAN_END
}

// What waits on it

int transfer_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_transfer(self)->channel);
  Py_VISIT(as_transfer(self)->message);
  return 0;
}

void transfer_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(as_transfer(self)->channel);
  Py_XDECREF(as_transfer(self)->message);
  PyObject_GC_Del(self);
}

PyObject* make_transfer(PyTypeObject& type, const OperationKind& kind, PyObject* end,
                        PyObject* message) {
  Transfer* self = PyObject_GC_New(Transfer, &type);
  if (!self) return nullptr;
  self->base.kind = &kind;
  self->channel = own(as_end(end)->channel);
  self->message = Py_XNewRef(message);
  PyObject_GC_Track(self);
  return reinterpret_cast<PyObject*>(self);
}

// Sending

// `outcome` of an attempt to send the operation's message, for which a reference was made.
Poll sent(Outcome outcome, Ref message, PyObject*& result) {
  if (outcome == Outcome::kDone) {
    (void)message.release();  // the channel's, or the receiver's
    return ready_none(result);
  }
  message.reset();
  set_closed_error();
  return Poll::kError;
}

Poll send_start(PyObject* object, CoroTask& task, PyObject*& result) {
  sync::Channel& channel = as_transfer(object)->channel->channel;
  Ref message = Ref::borrow(as_transfer(object)->message);
  Outcome outcome = channel.send(message.get());
  if (outcome != Outcome::kBlocked) return sent(outcome, std::move(message), result);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  try {
    outcome = channel.send(message.get(), &task.waiter());
  } catch (const std::bad_alloc&) {
    // It is not in line, and the message is not the waiter's.
    (void)task.state().cancel_arming();
    throw;
  }
  if (outcome == Outcome::kBlocked) {
    (void)message.release();
    return Poll::kPending;
  }
  // A cancel request that has come since is delivered at the next checkpoint.
  (void)task.state().cancel_arming();
  return sent(outcome, std::move(message), result);
}

void send_abandon(PyObject* object, CoroTask& task, bool woken) {
  const task::Waiter& waiter = task.waiter();
  if (woken && task.state().reason() == task::WakeReason::kCompleted) {
    if (sync::Channel::sent(waiter) == Outcome::kDone) return;
  } else {
    as_transfer(object)->channel->channel.cancel_send(task.waiter());
  }
  Py_DECREF(as_message(waiter.payload));
}

Poll send_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  if (task.state().reason() == task::WakeReason::kCompleted) {
    const task::Waiter& waiter = task.waiter();
    return sent(sync::Channel::sent(waiter), Ref::steal(as_message(waiter.payload)), result);
  }
  send_abandon(object, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kSendKind{send_start, send_resume, send_abandon, false, true};

PyObject* sender_send(PyObject* sender, PyObject* message) {
  return make_transfer(send_type, kSendKind, sender, message);
}

PyObject* unbounded_sender_send(PyObject* sender, PyObject* message) {
  // There always is room, so it is sent or the channel is closed.
  Ref owned = Ref::borrow(message);
  const Outcome outcome = as_end(sender)->channel->channel.send(message);
  PyObject* result = nullptr;
  return sent(outcome, std::move(owned), result) == Poll::kReady ? result : nullptr;
}

// Receiving

Poll received(Outcome outcome, void* message, PyObject*& result) {
  if (outcome == Outcome::kDone) {
    result = as_message(message);
    return Poll::kReady;
  }
  set_closed_error();
  return Poll::kError;
}

Poll receive_start(PyObject* object, CoroTask& task, PyObject*& result) {
  sync::Channel& channel = as_transfer(object)->channel->channel;
  void* message = nullptr;
  Outcome outcome = channel.receive(message);
  if (outcome != Outcome::kBlocked) return received(outcome, message, result);
  if (!task.state().begin_arming()) return raise_cancelled(task);
  outcome = channel.receive(message, &task.waiter());
  if (outcome == Outcome::kBlocked) return Poll::kPending;
  (void)task.state().cancel_arming();
  return received(outcome, message, result);
}

void receive_abandon(PyObject* object, CoroTask& task, bool woken) {
  sync::Channel& channel = as_transfer(object)->channel->channel;
  if (woken && task.state().reason() == task::WakeReason::kCompleted) {
    void* message = nullptr;
    if (sync::Channel::received(task.waiter(), message) == Outcome::kDone) {
      channel.put_back(message);
    }
  } else {
    channel.cancel_receive(task.waiter());
  }
}

Poll receive_resume(PyObject* object, CoroTask& task, PyObject*& result) {
  if (task.state().reason() == task::WakeReason::kCompleted) {
    void* message = nullptr;
    const Outcome outcome = sync::Channel::received(task.waiter(), message);
    return received(outcome, message, result);
  }
  receive_abandon(object, task, true);
  return raise_cancelled(task);
}

constexpr OperationKind kReceiveKind{receive_start, receive_resume, receive_abandon, false, true};

PyObject* receiver_receive(PyObject* receiver, PyObject*) {
  return make_transfer(receive_type, kReceiveKind, receiver, nullptr);
}

// Both ends

PyObject* end_close(PyObject* self, PyObject*) {
  as_end(self)->channel->channel.close();
  Py_RETURN_NONE;
}

int end_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_end(self)->channel);
  return 0;
}

void end_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (as_end(self)->weak_references) PyObject_ClearWeakRefs(self);
  Py_DECREF(as_end(self)->channel);
  PyObject_GC_Del(self);
}

// Null with an exception set.
Ref make_end(PyTypeObject& type, const Ref& channel) {
  if (!channel) return Ref();
  End* self = PyObject_GC_New(End, &type);
  if (!self) return Ref();
  self->weak_references = nullptr;
  self->channel = own(as_channel(channel.get()));
  PyObject_GC_Track(self);
  return Ref::steal(reinterpret_cast<PyObject*>(self));
}

PyObject* make_ends(std::size_t capacity, PyTypeObject& sends) {
  Channel* self = PyObject_GC_New(Channel, &channel_type);
  if (!self) return nullptr;
  try {
    new (&self->channel) sync::Channel(capacity);
  } catch (const std::bad_alloc&) {
    PyObject_GC_Del(self);
    throw;
  }
  PyObject_GC_Track(self);
  const Ref channel = Ref::steal(reinterpret_cast<PyObject*>(self));
  const Ref sender = make_end(sends, channel);
  const Ref receiver = sender ? make_end(receiver_type, channel) : Ref();
  return receiver ? PyTuple_Pack(2, sender.get(), receiver.get()) : nullptr;
}

PyObject* channel(PyObject*, PyObject* size) {
  const auto capacity = parse_count(size, "channel(): n");
  return capacity ? make_ends(*capacity, sender_type) : nullptr;
}

PyObject* unbounded(PyObject*, PyObject*) {
  return make_ends(sync::Channel::kUnbounded, unbounded_sender_type);
}

const PyMethodDef kClose = {
    "close", as_cfunction<end_close>(), METH_NOARGS,
    PyDoc_STR("close($self, /)\n--\n\n"
              "Closes the channel, from either end: sending raises BrokenPipeError from now on, "
              "receiving once what is buffered has been received. Wakes who waits. May be called "
              "again.")};

// Sender[int], for annotations.
const PyMethodDef kClassGetitem = {
    "__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS,
    PyDoc_STR("The type with that of its messages, for annotations.")};

PyMethodDef sender_methods[] = {
    {"send", as_cfunction<sender_send>(), METH_O,
     PyDoc_STR("send($self, message, /)\n--\n\n"
               "Suspends until there is room for the message. Gives None. BrokenPipeError when "
               "the channel is closed; the message has not been sent then.")},
    kClose,
    kClassGetitem,
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef unbounded_sender_methods[] = {
    {"send", as_cfunction<unbounded_sender_send>(), METH_O,
     PyDoc_STR("send($self, message, /)\n--\n\n"
               "Sends the message; does not suspend. From any task or thread. BrokenPipeError "
               "when the channel is closed.")},
    kClose,
    kClassGetitem,
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef receiver_methods[] = {
    {"receive", as_cfunction<receiver_receive>(), METH_NOARGS,
     PyDoc_STR("receive($self, /)\n--\n\n"
               "Suspends until there is a message, and gives it. BrokenPipeError when the channel "
               "is closed and nothing is left.")},
    kClose,
    kClassGetitem,
    {nullptr, nullptr, 0, nullptr},
};

PyMethodDef functions[] = {
    {"channel", as_cfunction<channel>(), METH_O,
     PyDoc_STR("channel($module, n, /)\n--\n\n"
               "A channel that holds up to n messages (an int, at least 1): the pair "
               "(sender, receiver). Each end may have any number of users.")},
    {"unbounded", as_cfunction<unbounded>(), METH_NOARGS,
     PyDoc_STR("unbounded($module, /)\n--\n\n"
               "A channel that holds any number of messages: the pair (sender, receiver). Each "
               "end may have any number of users.")},
    {nullptr, nullptr, 0, nullptr},
};

bool add_end(PyObject* module, PyTypeObject& type, PyMethodDef* methods) {
  type.tp_basicsize = sizeof(End);
  type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  type.tp_traverse = end_traverse;
  type.tp_dealloc = end_dealloc;
  type.tp_methods = methods;
  type.tp_weaklistoffset = offsetof(End, weak_references);
  return PyModule_AddType(module, &type) == 0;
}

bool add_transfer(PyTypeObject& type, const char* name) {
  type.tp_name = name;
  type.tp_basicsize = sizeof(Transfer);
  type.tp_flags = Py_TPFLAGS_HAVE_GC;
  type.tp_traverse = transfer_traverse;
  type.tp_dealloc = transfer_dealloc;
  return ready_operation_type(type);
}

}  // namespace

bool init_channel(PyObject* module) {
  channel_type.tp_name = "tonio.sync.channel.Channel";
  channel_type.tp_basicsize = sizeof(Channel);
  channel_type.tp_flags =
      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION;
  channel_type.tp_traverse = channel_traverse;
  channel_type.tp_clear = channel_clear;
  channel_type.tp_dealloc = channel_dealloc;

  sender_type.tp_name = "tonio.sync.channel.Sender";
  sender_type.tp_doc = PyDoc_STR("The end of a channel that messages go in at; see channel().");
  unbounded_sender_type.tp_name = "tonio.sync.channel.UnboundedSender";
  unbounded_sender_type.tp_doc =
      PyDoc_STR("The end of a channel that messages go in at; see unbounded().");
  receiver_type.tp_name = "tonio.sync.channel.Receiver";
  receiver_type.tp_doc = PyDoc_STR("The end of a channel that messages come out of.");

  return PyType_Ready(&channel_type) == 0 && add_transfer(send_type, "tonio.sync.channel.Send") &&
         add_transfer(receive_type, "tonio.sync.channel.Receive") &&
         add_end(module, sender_type, sender_methods) &&
         add_end(module, unbounded_sender_type, unbounded_sender_methods) &&
         add_end(module, receiver_type, receiver_methods) &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
