// Why a program could not be started.
#pragma once

#include <stdexcept>
#include <string>

namespace tonio::launcher {

// As Python has it: 2 for a wrong command line or a script that isn't there.
inline constexpr int kUsageError = 2;

// One line for the user that names the thing and the remedy, without "tonio: "
// in front, and the exit code that goes with it. Thrown before the interpreter
// exists, and caught in main alone.
class StartError : public std::runtime_error {
 public:
  explicit StartError(const std::string& line, int exit_code = kUsageError)
      : std::runtime_error(line), exit_code_(exit_code) {}

  int exit_code() const { return exit_code_; }

 private:
  const int exit_code_;
};

}  // namespace tonio::launcher
