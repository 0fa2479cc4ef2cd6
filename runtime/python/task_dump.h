// What all tasks are doing: tonio.tasks(), and the tree of tasks on standard error.
#pragma once

#include <cstddef>

#include "python/py.h"

namespace tonio::python {

[[nodiscard]] bool init_task_dump(PyObject* module);

// Writes the tasks as a tree to standard error, below `title`. Attached. False with an
// exception set when that is one that ends the program; another is reported.
[[nodiscard]] bool dump_tasks(const char* title);

// How many tasks there are, whether each of them is suspended on what only another task or
// thread of the program can bring about, and whether there are Python threads other than the
// caller and the runtime's. Attached; stops the world.
struct Standstill {
  std::size_t tasks = 0;
  bool complete = true;
  bool other_threads = false;
};
Standstill look_for_standstill();

}  // namespace tonio::python
