// The native part of tonio.net.SocketStream.
#pragma once

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_socket_stream(PyObject* module);

}  // namespace tonio::python
