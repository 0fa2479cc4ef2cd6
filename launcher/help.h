// What --help and --version show.
#pragma once

#include <string>

namespace tonio::launcher {

std::string help_text();
std::string version_text();

}  // namespace tonio::launcher
