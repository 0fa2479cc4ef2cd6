#include "python/forked_child.h"

#include <unistd.h>

#include "python/exit_code.h"

namespace tonio::python {

void leave_forked_child() {
  const int exit_code = PyErr_Occurred() ? report_exception() : 0;
  _exit(flush_standard_streams() ? exit_code : kFlushFailed);
}

}  // namespace tonio::python
