// Where in the program something was started.
#pragma once

#include <string>
#include <utility>

#include "python/py.h"

namespace tonio::python {

// A place in Python code, kept cheaply: the line is worked out when it is asked for.
class SpawnSite {
 public:
  // The innermost Python frame of the calling thread.
  SpawnSite() = default;
  static SpawnSite here();
  // The innermost one that is not of the package's own code, if there is any.
  static SpawnSite of_program();
  // Where a generator or coroutine is suspended; for any other iterator here().
  static SpawnSite of(PyObject* iterator);

  SpawnSite copy() const;

  // "file.py:12 in function", or "" when there was no Python code. Attached.
  std::string describe() const;

  // For tp_traverse of the owner.
  int traverse(visitproc visit, void* arg) const;

 private:
  explicit SpawnSite(_PyInterpreterFrame* frame);
  SpawnSite(Ref code, int instruction) : code_(std::move(code)), instruction_(instruction) {}

  Ref code_;
  int instruction_ = -1;  // byte offset into the code
};

}  // namespace tonio::python
