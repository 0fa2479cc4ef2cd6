#include "python/socket.h"

#include <fcntl.h>

#include <cerrno>

#include "base/unique_fd.h"
#include "python/arguments.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/unclosed.h"

namespace tonio::python {
namespace {

PyTypeObject native_socket_type = empty_type();

// The socket that this thread makes a mirrored call on: closing it from inside, as an
// argument's __index__ may, must not wait for that call to end.
thread_local Socket* mirrored = nullptr;

// What a descriptor that somebody else has opened says of itself.
bool ask_descriptor(int fd, int option, int& value) {
  if (value != -1) return true;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0;
}

PyObject* adopt(PyTypeObject* type, int fd, int family, int socket_type, int protocol) {
  const int wanted[] = {family, socket_type, protocol};
  // A descriptor that is no socket is left as it is: it may be a terminal that others use.
  if (!ask_descriptor(fd, SO_DOMAIN, family) || !ask_descriptor(fd, SO_TYPE, socket_type) ||
      !ask_descriptor(fd, SO_PROTOCOL, protocol)) {
    return raise_errno(errno);
  }
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return raise_errno(errno);
  PyObject* self = make_socket(type, fd, family, socket_type, protocol);
  if (self && !audit_new_socket(self, wanted[0], wanted[1], wanted[2])) {
    as_socket(self)->socket->release();  // it is its owner's still
    Py_CLEAR(self);
  }
  return self;
}

PyObject* socket_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"family", "type", "proto", "fileno", nullptr};
  int family = -1;
  int socket_type = -1;
  int protocol = -1;
  PyObject* fileno = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "|iiiO:socket", const_cast<char**>(names),
                                   &family, &socket_type, &protocol, &fileno)) {
    return nullptr;
  }
  if (fileno != Py_None) {
    const int fd = PyLong_AsInt(fileno);
    if (fd == -1 && PyErr_Occurred()) return nullptr;
    if (fd < 0) {
      PyErr_Format(PyExc_ValueError, "socket(): fileno must not be negative: %d", fd);
      return nullptr;
    }
    return adopt(type, fd, family, socket_type, protocol);
  }
  if (family == -1) family = AF_INET;
  if (socket_type == -1) socket_type = SOCK_STREAM;
  if (protocol == -1) protocol = 0;
  base::UniqueFd fd(::socket(family, socket_type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!fd.valid()) return raise_errno(errno);
  PyObject* self =
      make_socket(type, fd.get(), family, socket_type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC), protocol);
  if (self) (void)fd.release();
  if (self && !audit_new_socket(self, family, socket_type, protocol)) {
    close_socket(as_socket(self));
    Py_CLEAR(self);
  }
  return self;
}

void socket_finalize(PyObject* self) {
  if (!as_socket(self)->socket || as_socket(self)->socket->fd() < 0) return;
  warn_unclosed(self, 1);
  close_socket(as_socket(self));
}

void socket_dealloc(PyObject* self) {
  if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
  if (as_socket(self)->weak_references) PyObject_ClearWeakRefs(self);
  delete as_socket(self)->socket;
  Py_TYPE(self)->tp_free(self);
}

PyObject* socket_fileno(PyObject* self, PyObject*) {
  return PyLong_FromLong(as_socket(self)->socket->fd());
}

PyObject* socket_close(PyObject* self, PyObject*) {
  close_socket(as_socket(self));
  Py_RETURN_NONE;
}

PyObject* socket_detach(PyObject* self, PyObject*) {
  return PyLong_FromLong(as_socket(self)->socket->release());
}

// Calls a method of the standard library's socket, which doesn't block, on this descriptor.
PyObject* socket_mirror(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (nargs < 2) {
    PyErr_SetString(PyExc_TypeError, "_mirror() takes a socket class, a method name, arguments");
    return nullptr;
  }
  Socket* socket = as_socket(self);
  const net::Socket::Use use(*socket->socket);
  if (use.fd() < 0) return raise_errno(EBADF);
  Socket* const outer = std::exchange(mirrored, socket);
  Ref borrowed = Ref::steal(PyObject_CallFunction(args[0], "iiii", socket->family, socket->type,
                                                  socket->protocol, use.fd()));
  Ref method = Ref::steal(borrowed ? PyObject_GetAttr(borrowed.get(), args[1]) : nullptr);
  Ref result = Ref::steal(method ? PyObject_Vectorcall(method.get(), args + 2,
                                                       static_cast<std::size_t>(nargs - 2), nullptr)
                                 : nullptr);
  mirrored = outer;
  if (!borrowed) return nullptr;
  // Or the descriptor would be closed with it.
  PyObject* pending = PyErr_GetRaisedException();
  Ref detached = Ref::steal(PyObject_CallMethod(borrowed.get(), "detach", nullptr));
  if (!detached) PyErr_WriteUnraisable(borrowed.get());
  PyErr_SetRaisedException(pending);
  return result.release();
}

PyObject* socket_enter(PyObject* self, PyObject*) { return Py_NewRef(self); }

PyObject* socket_exit(PyObject* self, PyObject* const*, Py_ssize_t) {
  return socket_close(self, nullptr);
}

PyMethodDef methods[] = {
    {"recv", as_cfunction<socket_recv>(), METH_FASTCALL,
     PyDoc_STR("recv($self, bufsize, flags=0, /)\n--\n\n"
               "Suspends until there is data; gives at most bufsize bytes, b'' at the end.")},
    {"recv_into", as_cfunction<socket_recv_into>(), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("recv_into($self, buffer, nbytes=0, flags=0)\n--\n\n"
               "As recv(), into a writable buffer; gives the number of bytes.")},
    {"send", as_cfunction<socket_send>(), METH_FASTCALL,
     PyDoc_STR("send($self, data, flags=0, /)\n--\n\n"
               "Suspends until something can be sent; gives the number of bytes sent.")},
    {"sendall", as_cfunction<socket_sendall>(), METH_FASTCALL,
     PyDoc_STR("sendall($self, data, flags=0, /)\n--\n\nSuspends until all of data is sent.")},
    {"recvfrom", as_cfunction<socket_recvfrom>(), METH_FASTCALL,
     PyDoc_STR("recvfrom($self, bufsize, flags=0, /)\n--\n\n"
               "As recv(), and gives (data, address of the sender).")},
    {"recvfrom_into", as_cfunction<socket_recvfrom_into>(), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("recvfrom_into($self, buffer, nbytes=0, flags=0)\n--\n\n"
               "As recv_into(), and gives (number of bytes, address of the sender).")},
    {"recvmsg", as_cfunction<socket_recvmsg>(), METH_FASTCALL,
     PyDoc_STR("recvmsg($self, bufsize, ancbufsize=0, flags=0, /)\n--\n\n"
               "As recv(), with ancillary data: gives (data, [(level, type, data)], flags, "
               "address). Descriptors that come are closed on exec.")},
    {"recvmsg_into", as_cfunction<socket_recvmsg_into>(), METH_FASTCALL,
     PyDoc_STR("recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)\n--\n\n"
               "As recvmsg(), into an iterable of writable buffers; gives the number of bytes "
               "instead of the data.")},
    {"_sendto", as_cfunction<socket_sendto>(), METH_FASTCALL,
     PyDoc_STR("_sendto($self, data, flags_or_address, address=None, /)\n--\n\n"
               "None instead of an operation when the host is a name.")},
    {"_sendmsg", as_cfunction<socket_sendmsg>(), METH_FASTCALL,
     PyDoc_STR("_sendmsg($self, buffers, ancdata=(), flags=0, address=None, /)\n--\n\n"
               "None instead of an operation when the host is a name.")},
    {"_send_now", as_cfunction<socket_send_now>(), METH_O,
     PyDoc_STR("_send_now($self, data, /)\n--\n\n"
               "Sends what can be sent without waiting; gives the number of bytes. "
               "BlockingIOError when that is nothing.")},
    {"_sendfile", as_cfunction<socket_sendfile>(), METH_FASTCALL,
     PyDoc_STR("_sendfile($self, file, offset, count, /)\n--\n\n"
               "Sends from the descriptor `file` what can be sent at once, but something; gives "
               "the number of bytes, 0 at the file's end.")},
    {"accept", as_cfunction<socket_accept>(), METH_NOARGS,
     PyDoc_STR("accept($self, /)\n--\n\n"
               "Suspends until a connection comes; gives (socket, address).")},
    {"_connect", as_cfunction<socket_connect>(), METH_O,
     PyDoc_STR("_connect($self, address, /)\n--\n\n"
               "Suspends until connected. None instead of an operation when the host is a name.")},
    {"fileno", as_cfunction<socket_fileno>(), METH_NOARGS,
     PyDoc_STR("fileno($self, /)\n--\n\nThe descriptor, -1 once closed.")},
    {"close", as_cfunction<socket_close>(), METH_NOARGS,
     PyDoc_STR("close($self, /)\n--\n\n"
               "Closes the socket; who waits on it gets an OSError (EBADF).")},
    {"detach", as_cfunction<socket_detach>(), METH_NOARGS,
     PyDoc_STR("detach($self, /)\n--\n\n"
               "Closes the object without closing the descriptor, which is returned.")},
    {"_mirror", as_cfunction<socket_mirror>(), METH_FASTCALL,
     PyDoc_STR("_mirror($self, socket_class, name, /, *args)\n--\n\n"
               "Calls a method of the standard library's socket on this descriptor.")},
    {"__enter__", as_cfunction<socket_enter>(), METH_NOARGS, nullptr},
    {"__exit__", as_cfunction<socket_exit>(), METH_FASTCALL, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"_family", Py_T_INT, offsetof(Socket, family), Py_READONLY, nullptr},
    {"_type", Py_T_INT, offsetof(Socket, type), Py_READONLY, nullptr},
    {"proto", Py_T_INT, offsetof(Socket, protocol), Py_READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

void close_socket(Socket* self) {
  if (mirrored != self && self->socket->wants_close_now()) {
    const Detached detached;
    self->socket->close(true);
  } else {
    self->socket->close(false);
  }
}

bool audit_new_socket(PyObject* socket, int family, int type, int protocol) {
  return PySys_Audit("socket.__new__", "Oiii", socket, family, type, protocol) == 0;
}

bool is_socket(PyObject* object) { return PyObject_TypeCheck(object, &native_socket_type); }

PyObject* make_socket(PyTypeObject* type, int fd, int family, int socket_type, int protocol) {
  Ref self = Ref::steal(type->tp_alloc(type, 0));
  if (!self) return nullptr;
  Socket* socket = as_socket(self.get());
  socket->socket = new net::Socket(Host::instance().reactor(), fd);
  socket->family = family;
  socket->type = socket_type;
  socket->protocol = protocol;
  new (&socket->last_received) std::atomic<std::uint32_t>(0);
  for (auto* flag : {&socket->stream_receives, &socket->stream_sends}) {
    new (flag) std::atomic<bool>(false);
  }
  return self.release();
}

bool init_socket(PyObject* module) {
  native_socket_type.tp_name = "_tonio.Socket";
  native_socket_type.tp_basicsize = sizeof(Socket);
  native_socket_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE;
  native_socket_type.tp_new = entry<socket_new>;
  native_socket_type.tp_dealloc = socket_dealloc;
  native_socket_type.tp_finalize = socket_finalize;
  native_socket_type.tp_methods = methods;
  native_socket_type.tp_members = members;
  native_socket_type.tp_weaklistoffset = offsetof(Socket, weak_references);
  return PyType_Ready(&native_socket_type) == 0 && init_socket_receive() && init_socket_send() &&
         init_socket_message() && init_socket_connect() &&
         PyModule_AddObjectRef(module, "Socket",
                               reinterpret_cast<PyObject*>(&native_socket_type)) == 0;
}

}  // namespace tonio::python
