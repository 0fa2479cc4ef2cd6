#include "python/spawn_site.h"

namespace tonio::python {

SpawnSite SpawnSite::here() {
  SpawnSite site;
  // The interpreter's own frame: making a frame object for every spawn would cost
  // more than the spawn.
  if (_PyInterpreterFrame* frame = PyThreadState_GetUnchecked()->current_frame) {
    site.code_ = Ref::steal(PyUnstable_InterpreterFrame_GetCode(frame));
    site.instruction_ = PyUnstable_InterpreterFrame_GetLasti(frame);
  }
  return site;
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
  return std::string(file) + ":" + std::to_string(PyCode_Addr2Line(code, instruction_)) +
         " in " + name;
}

int SpawnSite::traverse(visitproc visit, void* arg) const {
  Py_VISIT(code_.get());
  return 0;
}

}  // namespace tonio::python
