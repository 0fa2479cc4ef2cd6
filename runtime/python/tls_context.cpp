#include "python/tls_context.h"

#include <new>
#include <string>
#include <string_view>
#include <utility>

#include "python/arguments.h"
#include "python/entry.h"
#include "tls/certificates.h"
#include "tls/issue.h"

namespace tonio::python {
namespace {

template <typename T>
struct Shared {
  PyObject_HEAD std::shared_ptr<const T> shared;
};
using Identity = Shared<tls::Identity>;
using Config = Shared<tls::Config>;

PyTypeObject identity_type = empty_type();
PyTypeObject config_type = empty_type();

template <typename T>
PyObject* make_shared_object(PyTypeObject* type, std::shared_ptr<const T> shared) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self)
    new (&reinterpret_cast<Shared<T>*>(self)->shared) std::shared_ptr<const T>(std::move(shared));
  return self;
}

template <typename T>
void shared_dealloc(PyObject* self) {
  reinterpret_cast<Shared<T>*>(self)->shared.~shared_ptr();
  Py_TYPE(self)->tp_free(self);
}

PyObject* raise_value_error(const std::string& text) {
  PyErr_SetString(PyExc_ValueError, text.c_str());
  return nullptr;
}

PyObject* to_bytes(std::string_view data) {
  return PyBytes_FromStringAndSize(data.data(), static_cast<Py_ssize_t>(data.size()));
}

// A certificate's text may be in any encoding (RFC 5280, section 4.1.2.4).
PyObject* to_text(std::string_view data) {
  return PyUnicode_DecodeUTF8(data.data(), static_cast<Py_ssize_t>(data.size()),
                              "backslashreplace");
}

// A new list of what `make` makes of each item; null with an exception.
template <typename Items, typename Make>
PyObject* to_list(const Items& items, Make make) {
  Ref list = Ref::steal(PyList_New(0));
  for (const auto& item : items) {
    Ref made = Ref::steal(list ? make(item) : nullptr);
    if (!made || PyList_Append(list.get(), made.get()) != 0) return nullptr;
  }
  return list.release();
}

// Calls take(item) for each item of a tuple; false as soon as that says so.
template <typename Take>
bool each(PyObject* tuple, Take take) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); ++i) {
    if (!take(PyTuple_GET_ITEM(tuple, i))) return false;
  }
  return true;
}

bool append_bytes(PyObject* object, std::vector<std::string>& to) {
  char* data = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(object, &data, &size) != 0) return false;
  to.emplace_back(data, static_cast<std::size_t>(size));
  return true;
}

// TlsIdentity

PyObject* identity_new(PyTypeObject* type, PyObject* args, PyObject*) {
  const char *chain, *key, *password;
  Py_ssize_t chain_size, key_size, password_size;
  if (!PyArg_ParseTuple(args, "y#y#y#:TlsIdentity", &chain, &chain_size, &key, &key_size, &password,
                        &password_size)) {
    return nullptr;
  }
  std::string error;
  std::shared_ptr<const tls::Identity> loaded;
  {
    // Deriving a key from a password takes its time.
    const Detached detached;
    loaded = tls::Identity::load(
        {chain, static_cast<std::size_t>(chain_size)}, {key, static_cast<std::size_t>(key_size)},
        std::string(password, static_cast<std::size_t>(password_size)), error);
  }
  return loaded ? make_shared_object(type, std::move(loaded)) : raise_value_error(error);
}

// TlsConfig

PyObject* config_new(PyTypeObject* type, PyObject* args, PyObject* keywords) {
  static const char* names[] = {
      "server_side", "verify_mode", "check_hostname", "minimum_version",  "maximum_version",
      "alpn",        "identities",  "certificates",   "revocation_lists", nullptr};
  int server_side, verify, check_hostname, minimum, maximum;
  PyObject *alpn, *identities, *certificates, *lists;
  if (!PyArg_ParseTupleAndKeywords(
          args, keywords, "pipiiO!O!O!O!:TlsConfig", const_cast<char**>(names), &server_side,
          &verify, &check_hostname, &minimum, &maximum, &PyTuple_Type, &alpn, &PyTuple_Type,
          &identities, &PyTuple_Type, &certificates, &PyTuple_Type, &lists)) {
    return nullptr;
  }
  tls::Settings settings;
  settings.side = server_side ? tls::Side::kServer : tls::Side::kClient;
  settings.verify = static_cast<tls::Verify>(verify);
  settings.check_hostname = check_hostname;
  settings.minimum = static_cast<tls::Version>(minimum);
  settings.maximum = static_cast<tls::Version>(maximum);
  const auto take_identity = [&](PyObject* object) {
    if (!PyObject_TypeCheck(object, &identity_type)) {
      PyErr_Format(PyExc_TypeError, "TlsConfig() takes TlsIdentity objects, not %T", object);
      return false;
    }
    settings.identities.push_back(reinterpret_cast<Identity*>(object)->shared);
    return true;
  };
  const auto take_into = [](std::vector<std::string>& to) {
    return [&to](PyObject* object) { return append_bytes(object, to); };
  };
  if (!each(alpn, take_into(settings.alpn)) || !each(identities, take_identity) ||
      !each(certificates, take_into(settings.trust.certificates)) ||
      !each(lists, take_into(settings.trust.revocation_lists))) {
    return nullptr;
  }
  std::string error;
  std::shared_ptr<const tls::Config> made;
  {
    const Detached detached;
    made = tls::Config::make(std::move(settings), error);
  }
  return made ? make_shared_object(type, std::move(made)) : raise_value_error(error);
}

// Functions

PyObject* load_trust(PyObject*, PyObject* data) {
  char* bytes = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(data, &bytes, &size) != 0) return nullptr;
  tls::Trust trust;
  std::string error;
  if (!tls::load_trust({bytes, static_cast<std::size_t>(size)}, trust, error))
    return raise_value_error(error);
  return Py_BuildValue("NN", to_list(trust.certificates, to_bytes),
                       to_list(trust.revocation_lists, to_bytes));
}

PyObject* system_trust(PyObject*, PyObject*) {
  tls::Trust trust;
  std::string error;
  bool loaded;
  {
    const Detached detached;
    loaded = tls::load_system_trust(trust, error);
  }
  if (!loaded) {
    PyErr_SetString(PyExc_OSError, error.c_str());
    return nullptr;
  }
  return to_list(trust.certificates, to_bytes);
}

PyObject* to_pairs(const tls::CertificateInfo::Name& name) {
  return to_list(name, [](const auto& part) {
    return Py_BuildValue("NN", to_text(part.first), to_text(part.second));
  });
}

PyObject* certificate_info(PyObject*, PyObject* data) {
  char* der = nullptr;
  Py_ssize_t size = 0;
  if (PyBytes_AsStringAndSize(data, &der, &size) != 0) return nullptr;
  const auto info = tls::certificate_info({der, static_cast<std::size_t>(size)});
  if (!info) return raise_value_error("not a certificate in DER form");
  return Py_BuildValue("{sNsNsisssssssN}", "subject", to_pairs(info->subject), "issuer",
                       to_pairs(info->issuer), "version", info->version, "serialNumber",
                       info->serial_number.c_str(), "notBefore", info->not_before.c_str(),
                       "notAfter", info->not_after.c_str(), "subjectAltName",
                       to_pairs(info->subject_alt_names));
}

PyObject* self_signed(PyObject*, PyObject* args) {
  PyObject* names;
  double days;
  int rsa;
  if (!PyArg_ParseTuple(args, "O!dp:tls_self_signed", &PyTuple_Type, &names, &days, &rsa))
    return nullptr;
  constexpr double kMostDays = 36'500;  // a hundred years
  if (!(days > 0 && days <= kMostDays)) {
    Ref given = Ref::steal(PyFloat_FromDouble(days));
    PyErr_Format(PyExc_ValueError, "self_signed_certificate(): days must be 0 to %d, not %R",
                 static_cast<int>(kMostDays), given.get());
    return nullptr;
  }
  tls::CertificateRequest request;
  request.rsa = rsa;
  request.not_after = std::chrono::system_clock::now() +
                      std::chrono::seconds(static_cast<long long>(days * 24 * 60 * 60));
  if (!each(names, [&](PyObject* name) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(name, &size);
        if (!text) return false;
        request.names.emplace_back(text, static_cast<std::size_t>(size));
        if (request.names.back().find('\0') == std::string::npos) return true;
        PyErr_Format(PyExc_ValueError, "self_signed_certificate(): a name has a NUL: %R", name);
        return false;
      })) {
    return nullptr;
  }
  std::string error;
  std::optional<tls::CertificatePair> made;
  {
    const Detached detached;
    made = tls::issue_certificate(request, error);
  }
  if (!made) return raise_value_error(error);
  return Py_BuildValue("NN", to_bytes(made->certificate), to_bytes(made->key));
}

PyMethodDef functions[] = {
    {"tls_load_trust", as_cfunction<load_trust>(), METH_O,
     PyDoc_STR("tls_load_trust($module, data, /)\n--\n\n"
               "The certificates and the revocation lists in PEM or DER data, "
               "each in DER.")},
    {"tls_system_trust", as_cfunction<system_trust>(), METH_NOARGS,
     PyDoc_STR("tls_system_trust($module, /)\n--\n\nThe system's trusted "
               "certificates in DER.")},
    {"tls_certificate_info", as_cfunction<certificate_info>(), METH_O,
     PyDoc_STR("tls_certificate_info($module, der, /)\n--\n\nWhat a "
               "certificate says, as a dict.")},
    {"tls_self_signed", as_cfunction<self_signed>(), METH_VARARGS,
     PyDoc_STR("tls_self_signed($module, names, days, rsa, /)\n--\n\n"
               "A new certificate and its key, in PEM.")},
    {nullptr, nullptr, 0, nullptr},
};

template <typename T>
bool add_type(PyObject* module, PyTypeObject& type, const char* name, newfunc make) {
  type.tp_name = name;
  type.tp_basicsize = sizeof(Shared<T>);
  type.tp_flags = Py_TPFLAGS_DEFAULT;
  type.tp_new = make;
  type.tp_dealloc = shared_dealloc<T>;
  return PyType_Ready(&type) == 0 && PyModule_AddType(module, &type) == 0;
}

}  // namespace

std::shared_ptr<const tls::Config> as_tls_config(PyObject* object) {
  if (PyObject_TypeCheck(object, &config_type)) return reinterpret_cast<Config*>(object)->shared;
  PyErr_Format(PyExc_TypeError, "expected a TlsConfig, not %T", object);
  return nullptr;
}

bool init_tls_context(PyObject* module) {
  return add_type<tls::Identity>(module, identity_type, "_tonio.TlsIdentity",
                                 entry<identity_new>) &&
         add_type<tls::Config>(module, config_type, "_tonio.TlsConfig", entry<config_new>) &&
         PyModule_AddFunctions(module, functions) == 0;
}

}  // namespace tonio::python
