// One TLS connection as Python sees it: _tonio.TlsEngine, which tonio.net.tls
// drives over any transport, and which receives and sends by itself over a
// socket.
#pragma once

#include <memory>

#include "base/mutex.h"
#include "python/py.h"
#include "tls/engine.h"

namespace tonio::python {

struct TlsEngine {
  PyObject_HEAD
      // Guards the engine. Who can't have it at once detaches before it waits:
      // handshakes hold it for milliseconds, reads and writes while they work
      // on one buffer. Nothing of Python happens under it.
      base::Mutex mutex;
  std::unique_ptr<tls::Engine> engine;
  // A connection that ends without a close_notify counts as closed.
  bool https_compatible;
  // What goes out over a socket, and how much of it has gone. Belongs to the
  // task that sends on the socket (Socket::stream_sends); stays when that is
  // cancelled.
  tls::Bytes outgoing;
  std::size_t sent;
};

// Holds a TlsEngine's mutex.
class EngineLock {
 public:
  explicit EngineLock(TlsEngine& engine);
  ~EngineLock() { mutex_.unlock(); }
  EngineLock(const EngineLock&) = delete;
  EngineLock& operator=(const EngineLock&) = delete;

 private:
  base::Mutex& mutex_;
};

inline TlsEngine* as_tls_engine(PyObject* self) { return reinterpret_cast<TlsEngine*>(self); }

// What a read has come to: bytes (`data` with kDone, b'' at the end); None when
// there must be more input first; null with a ResourceBroken.
PyObject* tls_read_result(const TlsEngine& engine, tls::Engine::Status status,
                          std::string_view data, const std::string& error);
// Sets ResourceBroken. Always null.
PyObject* raise_tls_error(const std::string& error);

// tls_operations.cpp: methods that suspend.
PyObject* tls_engine_receive(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
PyObject* tls_engine_send_all(PyObject* self, PyObject* const* args, Py_ssize_t nargs);
// Sends what it can without waiting.
PyObject* tls_engine_flush(PyObject* self, PyObject* socket);

// How much plaintext one read gives at most, in bytes.
constexpr std::size_t kTlsReadSize = std::size_t{64} * 1024;

[[nodiscard]] bool init_tls_engine(PyObject* module);
[[nodiscard]] bool init_tls_operations();

}  // namespace tonio::python
