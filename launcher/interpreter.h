// What is added to an initialised interpreter before any code of the user's.
#pragma once

#include "options.h"

namespace tonio::launcher {

// Makes `import tonio` work, and puts the rule for extension modules in place
// unless the user turned the GIL on. The runtime is not started. Its stop is
// registered with atexit, where it runs after every callback of the program's,
// for the ways out of an interpreter that don't come by end_program. Attached.
// False with a Python exception set.
[[nodiscard]] bool extend_interpreter(const Options& options);

// The same for a Python that is to be exactly as the user knows it.
[[nodiscard]] bool extend_exact_python(const Options& options);

}  // namespace tonio::launcher
