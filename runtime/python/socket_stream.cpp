#include "python/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "python/arguments.h"
#include "python/entry.h"
#include "python/socket.h"

namespace tonio::python {
namespace {

struct SocketStream {
  PyObject_HEAD PyObject* socket;  // a Socket, owned
};

PyTypeObject stream_type = empty_type();

SocketStream* as_stream(PyObject* self) { return reinterpret_cast<SocketStream*>(self); }

// What a receive without a size asks for.
constexpr Py_ssize_t kUsual = Py_ssize_t{256} * 1024;

PyObject* receive_some(PyObject* self, PyObject* const* args, Py_ssize_t nargs,
                       PyObject* keywords) {
  PyObject* socket = as_stream(self)->socket;
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  if (nargs + named > 1 ||
      (named == 1 && !PyUnicode_EqualToUTF8(PyTuple_GET_ITEM(keywords, 0), "max_bytes"))) {
    PyErr_SetString(PyExc_TypeError, "receive_some() takes one argument: max_bytes=None");
    return nullptr;
  }
  if (nargs + named == 1 && args[0] != Py_None) {
    const auto size = parse_count(args[0], "receive_some(): max_bytes");
    return size ? make_stream_receive(socket, static_cast<Py_ssize_t>(*size)) : nullptr;
  }
  return make_stream_receive(socket, kUsual);
}

PyObject* send_all(PyObject* self, PyObject* data) {
  return make_stream_send_all(as_stream(self)->socket, data);
}

PyObject* stream_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"socket", nullptr};
  PyObject* socket = nullptr;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:SocketStream", const_cast<char**>(names),
                                   &socket)) {
    return nullptr;
  }
  // The package's class, or one of it: streams call its methods, which the native base lacks.
  if (!is_socket(socket) || !PyType_HasFeature(Py_TYPE(socket), Py_TPFLAGS_HEAPTYPE)) {
    PyErr_Format(PyExc_TypeError, "SocketStream() takes a tonio.net.socket.socket, not %T", socket);
    return nullptr;
  }
  Socket* native = as_socket(socket);
  if (native->type != SOCK_STREAM) {
    PyErr_SetString(PyExc_ValueError, "SocketStream() takes a socket of type SOCK_STREAM");
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_stream(self)->socket = Py_NewRef(socket);
  if (native->family == AF_INET || native->family == AF_INET6) {
    // What is sent in one piece leaves at once.
    const net::Socket::Use use(*native->socket);
    const int on = 1;
    if (use.fd() >= 0) (void)::setsockopt(use.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return self;
}

int stream_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(as_stream(self)->socket);
  return 0;
}

void stream_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_XDECREF(as_stream(self)->socket);
  Py_TYPE(self)->tp_free(self);
}

PyMethodDef methods[] = {
    {"receive_some", as_cfunction<receive_some>(), METH_FASTCALL | METH_KEYWORDS,
     PyDoc_STR("receive_some($self, max_bytes=None)\n--\n\n"
               "Suspends until there is data, and gives it as bytes: at most max_bytes (None: as "
               "many as is sensible). b'' when the peer has ended its side. OSError when the "
               "connection has failed or the stream is closed; ResourceBusy when another task is "
               "receiving already.")},
    {"send_all", as_cfunction<send_all>(), METH_O,
     PyDoc_STR("send_all($self, data, /)\n--\n\n"
               "Suspends until all of data (bytes-like, or text, which is sent as UTF-8) is sent; "
               "how much of it was, is unknown when that fails or is cancelled. OSError and "
               "ResourceBusy as receive_some().")},
    {nullptr, nullptr, 0, nullptr},
};

PyMemberDef members[] = {
    {"socket", Py_T_OBJECT_EX, offsetof(SocketStream, socket), Py_READONLY,
     PyDoc_STR("The tonio.net.socket.socket below.")},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

bool init_socket_stream(PyObject* module) {
  stream_type.tp_name = "_tonio.SocketStream";
  stream_type.tp_basicsize = sizeof(SocketStream);
  stream_type.tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC;
  stream_type.tp_new = entry<stream_new>;
  stream_type.tp_dealloc = stream_dealloc;
  stream_type.tp_traverse = stream_traverse;
  stream_type.tp_methods = methods;
  stream_type.tp_members = members;
  return PyType_Ready(&stream_type) == 0 &&
         PyModule_AddObjectRef(module, "SocketStream", reinterpret_cast<PyObject*>(&stream_type)) ==
             0;
}

}  // namespace tonio::python
