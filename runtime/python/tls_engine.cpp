#include "python/tls_engine.h"

#include <array>
#include <new>
#include <optional>
#include <string>

#include "python/arguments.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/socket_operation.h"
#include "python/tls_context.h"

namespace tonio::python {
namespace {

using Status = tls::Engine::Status;

PyTypeObject engine_type = empty_type();

PyObject* engine_new(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject* config_object;
  const char* hostname;
  int https_compatible;
  if (!PyArg_ParseTuple(args, "Osp:TlsEngine", &config_object, &hostname, &https_compatible)) {
    return nullptr;
  }
  std::shared_ptr<const tls::Config> config = as_tls_config(config_object);
  if (!config) return nullptr;
  std::string error;
  auto engine = tls::Engine::make(std::move(config), hostname, error);
  if (!engine) {
    PyErr_SetString(PyExc_ValueError, error.c_str());
    return nullptr;
  }
  PyObject* self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  TlsEngine* made = as_tls_engine(self);
  new (&made->mutex) base::Mutex();
  new (&made->engine) std::unique_ptr<tls::Engine>(std::move(engine));
  new (&made->outgoing) tls::Bytes();
  made->https_compatible = https_compatible;
  made->sent = 0;
  return self;
}

void engine_dealloc(PyObject* self) {
  TlsEngine* engine = as_tls_engine(self);
  engine->engine.~unique_ptr();
  engine->outgoing.~vector();
  Py_TYPE(self)->tp_free(self);
}

// True when the handshake is over, None when there must be more input first.
PyObject* engine_handshake(PyObject* self, PyObject*) {
  TlsEngine& engine = *as_tls_engine(self);
  Status status;
  std::string error;
  {
    // Signatures and key exchanges take milliseconds.
    const Detached detached;
    const std::lock_guard lock(engine.mutex);
    status = engine.engine->handshake();
    error = engine.engine->error();
  }
  if (status == Status::kDone) Py_RETURN_TRUE;
  if (status == Status::kNeedInput) Py_RETURN_NONE;
  return raise_tls_error(error);
}

PyObject* engine_read(PyObject* self, PyObject* max_bytes) {
  std::size_t size = kTlsReadSize;
  if (max_bytes != Py_None) {
    const auto count = parse_count(max_bytes, "receive_some(): max_bytes");
    if (!count) return nullptr;
    size = std::min(*count, size);
  }
  TlsEngine& engine = *as_tls_engine(self);
  std::array<unsigned char, kTlsReadSize> buffer;
  Status status;
  std::string error;
  {
    const EngineLock lock(engine);
    status = engine.engine->read({buffer.data(), size}, size);
    error = engine.engine->error();
  }
  return tls_read_result(engine, status, {reinterpret_cast<const char*>(buffer.data()), size},
                         error);
}

// Encrypts all of it into the output. True.
PyObject* engine_write(PyObject* self, PyObject* data) {
  HeldBuffer held;
  if (!held.get_data(data)) return nullptr;
  TlsEngine& engine = *as_tls_engine(self);
  Py_buffer buffer = held.release();
  Status status;
  std::string error;
  {
    const EngineLock lock(engine);
    status = engine.engine->write(
        {static_cast<const unsigned char*>(buffer.buf), static_cast<std::size_t>(buffer.len)});
    error = engine.engine->error();
  }
  PyBuffer_Release(&buffer);
  if (status == Status::kDone) Py_RETURN_TRUE;
  return raise_tls_error(error);
}

PyObject* engine_close_notify(PyObject* self, PyObject*) {
  TlsEngine& engine = *as_tls_engine(self);
  {
    const EngineLock lock(engine);
    engine.engine->close();
  }
  Py_RETURN_NONE;
}

PyObject* engine_feed(PyObject* self, PyObject* data) {
  Py_buffer buffer;
  if (PyObject_GetBuffer(data, &buffer, PyBUF_SIMPLE) != 0) return nullptr;
  TlsEngine& engine = *as_tls_engine(self);
  {
    const EngineLock lock(engine);
    if (buffer.len == 0) engine.engine->end_input();
    engine.engine->add_input(
        {static_cast<const unsigned char*>(buffer.buf), static_cast<std::size_t>(buffer.len)});
  }
  PyBuffer_Release(&buffer);
  Py_RETURN_NONE;
}

PyObject* engine_has_output(PyObject* self, PyObject*) {
  TlsEngine& engine = *as_tls_engine(self);
  const EngineLock lock(engine);
  return PyBool_FromLong(engine.engine->has_output());
}

PyObject* engine_take_output(PyObject* self, PyObject*) {
  TlsEngine& engine = *as_tls_engine(self);
  tls::Bytes output;
  {
    const EngineLock lock(engine);
    engine.engine->take_output(output);
  }
  return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(output.data()),
                                   static_cast<Py_ssize_t>(output.size()));
}

// None for the empty text.
PyObject* to_text(const std::string& text) {
  if (text.empty()) Py_RETURN_NONE;
  return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()),
                              "backslashreplace");
}

// A text of the finished handshake; None before.
template <auto member>
std::string after_handshake(PyObject* self) {
  TlsEngine& engine = *as_tls_engine(self);
  const EngineLock lock(engine);
  return engine.engine->handshake_done() ? std::string(((*engine.engine).*member)())
                                         : std::string();
}

PyObject* engine_version(PyObject* self, PyObject*) {
  return to_text(after_handshake<&tls::Engine::version>(self));
}
PyObject* engine_cipher(PyObject* self, PyObject*) {
  return to_text(after_handshake<&tls::Engine::cipher>(self));
}
PyObject* engine_alpn(PyObject* self, PyObject*) {
  return to_text(after_handshake<&tls::Engine::alpn>(self));
}
PyObject* engine_peer_certificate(PyObject* self, PyObject*) {
  const std::string der = after_handshake<&tls::Engine::peer_certificate>(self);
  if (der.empty()) Py_RETURN_NONE;
  return PyBytes_FromStringAndSize(der.data(), static_cast<Py_ssize_t>(der.size()));
}
PyObject* engine_session_reused(PyObject* self, PyObject*) {
  TlsEngine& engine = *as_tls_engine(self);
  bool resumed;
  {
    const EngineLock lock(engine);
    resumed = engine.engine->resumed();
  }
  return PyBool_FromLong(resumed);
}

PyMethodDef methods[] = {
    {"handshake", as_cfunction<engine_handshake>(), METH_NOARGS,
     PyDoc_STR("handshake($self, /)\n--\n\nGoes on with it. True when it is "
               "over, None when input "
               "must come first. ResourceBroken when it has failed.")},
    {"read", as_cfunction<engine_read>(), METH_O,
     PyDoc_STR("read($self, max_bytes, /)\n--\n\nPlaintext; b'' at the end, "
               "None when input must "
               "come first.")},
    {"write", as_cfunction<engine_write>(), METH_O,
     PyDoc_STR("write($self, data, /)\n--\n\nEncrypts data into the output. True.")},
    {"close_notify", as_cfunction<engine_close_notify>(), METH_NOARGS,
     PyDoc_STR("close_notify($self, /)\n--\n\nSays that nothing more will be "
               "written.")},
    {"feed", as_cfunction<engine_feed>(), METH_O,
     PyDoc_STR("feed($self, data, /)\n--\n\nInput from the peer; b'' is its end.")},
    {"has_output", as_cfunction<engine_has_output>(), METH_NOARGS,
     PyDoc_STR("has_output($self, /)\n--\n\nWhether there is something to send to the peer.")},
    {"take_output", as_cfunction<engine_take_output>(), METH_NOARGS,
     PyDoc_STR("take_output($self, /)\n--\n\nWhat is to be sent to the peer.")},
    {"receive", as_cfunction<tls_engine_receive>(), METH_FASTCALL,
     PyDoc_STR("receive($self, socket, max_bytes, /)\n--\n\n"
               "Suspends until there is plaintext, which comes from the "
               "socket. After the handshake.")},
    {"send_all", as_cfunction<tls_engine_send_all>(), METH_FASTCALL,
     PyDoc_STR("send_all($self, socket, data, /)\n--\n\n"
               "Suspends until data is sent on the socket, and the output too. "
               "After the handshake.")},
    {"flush", as_cfunction<tls_engine_flush>(), METH_O,
     PyDoc_STR("flush($self, socket, /)\n--\n\nSends of the output what the "
               "socket takes at once.")},
    {"version", as_cfunction<engine_version>(), METH_NOARGS, nullptr},
    {"cipher", as_cfunction<engine_cipher>(), METH_NOARGS, nullptr},
    {"selected_alpn_protocol", as_cfunction<engine_alpn>(), METH_NOARGS, nullptr},
    {"peer_certificate", as_cfunction<engine_peer_certificate>(), METH_NOARGS, nullptr},
    {"session_reused", as_cfunction<engine_session_reused>(), METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

EngineLock::EngineLock(TlsEngine& engine) : mutex_(engine.mutex) {
  if (mutex_.try_lock()) return;
  const Detached detached;
  mutex_.lock();
}

PyObject* raise_tls_error(const std::string& error) {
  PyErr_SetString(resource_broken_error, error.c_str());
  return nullptr;
}

PyObject* tls_read_result(const TlsEngine& engine, Status status, std::string_view data,
                          const std::string& error) {
  switch (status) {
    case Status::kDone:
      return PyBytes_FromStringAndSize(data.data(), static_cast<Py_ssize_t>(data.size()));
    case Status::kNeedInput:
      Py_RETURN_NONE;
    case Status::kTruncated:
      if (!engine.https_compatible) break;
      [[fallthrough]];
    case Status::kClosed:
      return PyBytes_FromStringAndSize(nullptr, 0);
    case Status::kFailed:
      break;
  }
  return raise_tls_error(error);
}

bool init_tls_engine(PyObject* module) {
  engine_type.tp_name = "_tonio.TlsEngine";
  engine_type.tp_basicsize = sizeof(TlsEngine);
  engine_type.tp_flags = Py_TPFLAGS_DEFAULT;
  engine_type.tp_new = entry<engine_new>;
  engine_type.tp_dealloc = engine_dealloc;
  engine_type.tp_methods = methods;
  return PyType_Ready(&engine_type) == 0 && init_tls_operations() &&
         PyModule_AddType(module, &engine_type) == 0;
}

}  // namespace tonio::python
