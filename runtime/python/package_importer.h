// Makes the embedded package importable.
#pragma once

#include "python/py.h"

namespace tonio::python {

// Puts an importer for `tonio` at the head of sys.meta_path. False with an exception set.
[[nodiscard]] bool install_package_importer();

}  // namespace tonio::python
