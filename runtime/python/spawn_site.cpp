#include "python/spawn_site.h"

#include <string_view>

namespace tonio::python {
namespace {

// What the names of the embedded package's files begin with (embed_package.py).
constexpr std::string_view kPackageFolder = "<tonio>/";

}  // namespace

// The interpreter's own frames: making a frame object for every spawn would cost more
// than the spawn.
SpawnSite::SpawnSite(_PyInterpreterFrame* frame)
    : code_(Ref::steal(PyUnstable_InterpreterFrame_GetCode(frame))),
      instruction_(PyUnstable_InterpreterFrame_GetLasti(frame)) {}

SpawnSite SpawnSite::here() {
  _PyInterpreterFrame* frame = PyThreadState_GetUnchecked()->current_frame;
  return frame ? SpawnSite(frame) : SpawnSite();
}

SpawnSite SpawnSite::of_program() {
  Ref frame = Ref::borrow(reinterpret_cast<PyObject*>(PyEval_GetFrame()));
  while (frame) {
    auto* object = reinterpret_cast<PyFrameObject*>(frame.get());
    PyCodeObject* code = PyFrame_GetCode(object);
    Ref owned = Ref::steal(reinterpret_cast<PyObject*>(code));
    const char* file = PyUnicode_AsUTF8(code->co_filename);
    if (!file) PyErr_Clear();
    if (!file || !std::string_view(file).starts_with(kPackageFolder)) {
      return SpawnSite(std::move(owned), PyFrame_GetLasti(object));
    }
    frame = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetBack(object)));
  }
  return SpawnSite();
}

SpawnSite SpawnSite::of(PyObject* iterator) {
  if (!PyGen_CheckExact(iterator) && !PyCoro_CheckExact(iterator)) return here();
  auto* generator = reinterpret_cast<PyGenObject*>(iterator);  // both begin alike
  return SpawnSite(reinterpret_cast<_PyInterpreterFrame*>(generator->gi_iframe));
}

SpawnSite SpawnSite::copy() const {
  SpawnSite site;
  site.code_ = Ref::borrow(code_.get());
  site.instruction_ = instruction_;
  return site;
}

std::string SpawnSite::describe() const {
  if (!code_ || !PyCode_Check(code_.get())) return "";
  auto* code = reinterpret_cast<PyCodeObject*>(code_.get());
  const char* file = PyUnicode_AsUTF8(code->co_filename);
  const char* name = PyUnicode_AsUTF8(code->co_qualname);
  if (!file || !name) {
    PyErr_Clear();
    return "";
  }
  return std::string(file) + ":" + std::to_string(PyCode_Addr2Line(code, instruction_)) + " in " +
         name;
}

int SpawnSite::traverse(visitproc visit, void* arg) const {
  Py_VISIT(code_.get());
  return 0;
}

}  // namespace tonio::python
