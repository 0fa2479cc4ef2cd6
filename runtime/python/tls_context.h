// TLS settings as Python sees them: _tonio.TlsIdentity, _tonio.TlsConfig and
// functions on certificates, for tonio.net.tls.
#pragma once

#include <memory>

#include "python/py.h"
#include "tls/config.h"

namespace tonio::python {

// The Config in a TlsConfig; null with a TypeError for another object.
std::shared_ptr<const tls::Config> as_tls_config(PyObject* object);

[[nodiscard]] bool init_tls_context(PyObject* module);

}  // namespace tonio::python
