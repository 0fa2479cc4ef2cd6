// A TLS engine over a socket, after the handshake: what suspends, without
// Python code between the program's `await` and the system calls.
#include <algorithm>
#include <array>
#include <cerrno>

#include "python/arguments.h"
#include "python/socket_exclusive.h"
#include "python/socket_operation.h"
#include "python/tls_engine.h"

namespace tonio::python {
namespace {

using reactor::Interest;
using Status = tls::Engine::Status;

// Ciphertext for one system call. Several records, so that bulk data needs few
// calls.
constexpr std::size_t kReceiveSize = std::size_t{64} * 1024;
// Plaintext that is encrypted at a time.
constexpr std::size_t kWriteSize = std::size_t{128} * 1024;

// What each operation here begins with.
struct TlsOperation {
  SocketOperation base;
  TlsEngine* engine;  // owned
};

TlsEngine& engine_of(SocketOperation& operation) {
  return *reinterpret_cast<TlsOperation&>(operation).engine;
}

template <typename T>
T* make_operation(PyTypeObject& type, const SocketKind& kind, PyObject* engine, PyObject* socket) {
  if (!is_socket(socket)) {
    PyErr_Format(PyExc_TypeError, "expected a socket, not %T", socket);
    return nullptr;
  }
  T* self = make_socket_operation<T>(type, kind, socket);
  if (self) self->engine = as_tls_engine(Py_NewRef(engine));
  return self;
}

void tls_operation_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  Py_DECREF(reinterpret_cast<TlsOperation*>(self)->engine);
  socket_operation_dealloc(self);
}

// Sends of `outgoing` what the socket takes. By the owner of
// Socket::stream_sends.
net::IoResult send_outgoing(Socket& socket, TlsEngine& engine) {
  while (engine.sent < engine.outgoing.size()) {
    const net::IoResult io = socket.socket->send(engine.outgoing.data() + engine.sent,
                                                 engine.outgoing.size() - engine.sent, 0);
    if (!io.ok()) return io;
    engine.sent += static_cast<std::size_t>(io.value);
  }
  // The next one takes it over, and an idle connection keeps no large buffer.
  engine.outgoing = {};
  engine.sent = 0;
  return {0, 0};
}

// Answers that reading has made, such as alerts. They wait for the next who
// sends when another task is sending, or the socket takes no more: reading
// never waits for writing.
void send_answers(Socket& socket, TlsEngine& engine) {
  if (socket.stream_sends.exchange(true, std::memory_order_acquire)) return;
  if (send_outgoing(socket, engine).ok()) {
    {
      const EngineLock lock(engine);
      engine.engine->take_output(engine.outgoing);
    }
    (void)send_outgoing(socket, engine);
  }
  socket.stream_sends.store(false, std::memory_order_release);
}

// receive

struct Receive {
  SocketOperation base;
  TlsEngine* engine;
  std::size_t size;
  // No system call has been made since the start.
  bool fresh;
};

// One of each per thread: large, and used between two steps of one task only.
thread_local std::array<unsigned char, kReceiveSize> ciphertext;
thread_local std::array<unsigned char, kTlsReadSize> plaintext;

Poll receive(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Receive&>(operation);
  TlsEngine& engine = engine_of(operation);
  Socket& socket = *operation.socket;
  // The peer's end of the stream is fed, too.
  std::size_t received = 0;
  bool fed = false;
  for (;;) {
    std::size_t got = 0;
    Status status;
    bool answers;
    std::string error;
    {
      const EngineLock lock(engine);
      if (fed && received == 0) engine.engine->end_input();
      if (received > 0) engine.engine->add_input({ciphertext.data(), received});
      status = engine.engine->read({plaintext.data(), self.size}, got);
      answers = engine.engine->has_output();
      if (status != Status::kDone) error = engine.engine->error();
    }
    if (answers) send_answers(socket, engine);
    if (status != Status::kNeedInput) {
      return ready_with(
          tls_read_result(engine, status, {reinterpret_cast<const char*>(plaintext.data()), got},
                          error),
          result);
    }
    if (std::exchange(self.fresh, false) && socket.socket->drained()) return Poll::kPending;
    const net::IoResult io = socket.socket->receive(ciphertext.data(), ciphertext.size(), 0);
    if (!io.ok()) return socket_failure(io);
    received = static_cast<std::size_t>(io.value);
    fed = true;
  }
}

extern constexpr char kReceiving[] = "receiving";

Poll receive_start(PyObject* object, CoroTask& task, PyObject*& result) {
  reinterpret_cast<Receive*>(object)->fresh = true;
  return start_socket_operation(object, task, result);
}

using ExclusiveReceive = Exclusive<&Socket::stream_receives, kReceiving, receive_start>;
constexpr SocketKind kReceiveKind{ExclusiveReceive::kOperation, Interest::kRead, receive};
PyTypeObject receive_type = empty_type();

// send_all

struct Send {
  SocketOperation base;
  TlsEngine* engine;
  Py_buffer buffer;
  std::size_t encrypted;
  // Some task is at it, and how far it is belongs to that one.
  std::atomic<bool> claimed;
};

Poll send_all(SocketOperation& operation, PyObject*& result) {
  auto& self = reinterpret_cast<Send&>(operation);
  TlsEngine& engine = engine_of(operation);
  const std::span data(static_cast<const unsigned char*>(self.buffer.buf),
                       static_cast<std::size_t>(self.buffer.len));
  for (;;) {
    const net::IoResult io = send_outgoing(*operation.socket, engine);
    if (!io.ok()) return socket_failure(io);
    Status status = Status::kDone;
    std::string error;
    {
      const EngineLock lock(engine);
      const std::size_t size = std::min(kWriteSize, data.size() - self.encrypted);
      if (size > 0) {
        status = engine.engine->write(data.subspan(self.encrypted, size));
        self.encrypted += size;
      }
      if (status != Status::kDone) error = engine.engine->error();
      engine.engine->take_output(engine.outgoing);
    }
    if (status != Status::kDone) {
      raise_tls_error(error);
      return Poll::kError;
    }
    if (engine.outgoing.empty()) return ready_none(result);
  }
}

extern constexpr char kSendAll[] = "send_all()";
extern constexpr char kSending[] = "sending";

Poll send_start(PyObject* object, CoroTask& task, PyObject*& result) {
  if (!claim_once(reinterpret_cast<Send*>(object)->claimed, kSendAll)) return Poll::kError;
  return start_socket_operation(object, task, result);
}

using ExclusiveSend = Exclusive<&Socket::stream_sends, kSending, send_start>;
constexpr SocketKind kSendKind{ExclusiveSend::kOperation, Interest::kWrite, send_all};
PyTypeObject send_type = empty_type();

int send_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(reinterpret_cast<Send*>(self)->buffer.obj);
  return socket_operation_traverse(self, visit, arg);
}

void send_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  PyBuffer_Release(&reinterpret_cast<Send*>(self)->buffer);
  tls_operation_dealloc(self);
}

}  // namespace

PyObject* tls_engine_receive(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (!check_argument_count(nargs, 2, 2, "receive()")) return nullptr;
  std::size_t size = kTlsReadSize;
  if (args[1] != Py_None) {
    const auto count = parse_count(args[1], "receive_some(): max_bytes");
    if (!count) return nullptr;
    size = std::min(*count, size);
  }
  auto* operation = make_operation<Receive>(receive_type, kReceiveKind, self, args[0]);
  if (!operation) return nullptr;
  operation->size = size;
  return track(operation);
}

PyObject* tls_engine_send_all(PyObject* self, PyObject* const* args, Py_ssize_t nargs) {
  if (!check_argument_count(nargs, 2, 2, "send_all()")) return nullptr;
  HeldBuffer buffer;
  if (!buffer.get_data(args[1])) return nullptr;
  auto* operation = make_operation<Send>(send_type, kSendKind, self, args[0]);
  if (!operation) return nullptr;
  operation->buffer = buffer.release();
  operation->encrypted = 0;
  new (&operation->claimed) std::atomic<bool>(false);
  return track(operation);
}

PyObject* tls_engine_flush(PyObject* self, PyObject* socket) {
  if (!is_socket(socket)) {
    PyErr_Format(PyExc_TypeError, "expected a socket, not %T", socket);
    return nullptr;
  }
  send_answers(*as_socket(socket), *as_tls_engine(self));
  Py_RETURN_NONE;
}

bool init_tls_operations() {
  receive_type.tp_dealloc = tls_operation_dealloc;
  send_type.tp_traverse = send_traverse;
  send_type.tp_dealloc = send_dealloc;
  return ready_socket_operation_type(receive_type, "tonio.TlsReceive", sizeof(Receive)) &&
         ready_socket_operation_type(send_type, "tonio.TlsSend", sizeof(Send));
}

}  // namespace tonio::python
