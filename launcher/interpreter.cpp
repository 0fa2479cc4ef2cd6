#include "interpreter.h"

#include "ending.h"
#include "gil_guard.h"
#include "python_config.h"

namespace tonio::launcher {

bool extend_interpreter(const Options& options) {
  return (!gil_is_off() || install_gil_guard(options.gil)) && extend_exact_python(options);
}

bool extend_exact_python(const Options& options) {
  return python::install(options.host) && register_runtime_stop();
}

}  // namespace tonio::launcher
