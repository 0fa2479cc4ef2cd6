#include "python/traceback.h"

#include <cstring>

namespace tonio::python {

namespace {

// How the package importer names the built-in package's files.
constexpr const char* kPackageFiles = "<tonio>/";

bool is_of_package(PyTracebackObject* entry) {
  Ref code = Ref::steal(reinterpret_cast<PyObject*>(PyFrame_GetCode(entry->tb_frame)));
  const char* file = PyUnicode_AsUTF8(reinterpret_cast<PyCodeObject*>(code.get())->co_filename);
  PyErr_Clear();
  return file != nullptr && std::strncmp(file, kPackageFiles, std::strlen(kPackageFiles)) == 0;
}

// Makes `next` follow `entry`, or come first when there is no entry.
bool link(PyObject* exception, PyObject* entry, PyTracebackObject* next) {
  auto* traceback = reinterpret_cast<PyObject*>(next);
  return entry == nullptr ? PyException_SetTraceback(exception, traceback) == 0
                          : PyObject_SetAttrString(entry, "tb_next", traceback) == 0;
}

}  // namespace

void hide_package_frames(PyObject* exception) {
  Ref first = Ref::steal(PyException_GetTraceback(exception));  // keeps the whole chain
  Ref kept;                                                     // the last entry that stays
  bool skipped = false;
  for (auto* entry = reinterpret_cast<PyTracebackObject*>(first.get()); entry != nullptr;) {
    // Relinking may release the entries between.
    Ref holder = Ref::borrow(reinterpret_cast<PyObject*>(entry));
    auto* next = entry->tb_next;
    if (is_of_package(entry)) {
      skipped = true;
    } else {
      if (skipped && !link(exception, kept.get(), entry)) {
        PyErr_Clear();  // shown as it is
        return;
      }
      skipped = false;
      kept = std::move(holder);
    }
    entry = next;
  }
}

}  // namespace tonio::python
