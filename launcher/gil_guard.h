// Names the extension modules that don't declare that they run without the GIL.
//
// With the GIL forced off CPython loads them without a word, and with the GIL
// left automatic it would stop every worker and turn the GIL on. So the
// launcher looks at each module that comes out of the import machinery's own
// loader.
#pragma once

#include "options.h"

namespace tonio::launcher {

// Attached, after initialisation and before any code of the user's. False with
// a Python exception set.
[[nodiscard]] bool install_gil_guard(GilPolicy policy);

}  // namespace tonio::launcher
