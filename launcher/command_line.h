// From argv to what is to be done.
//
//   tonio run [options] SCRIPT [args]   options on both sides of SCRIPT, until
//   -- tonio [options] SCRIPT [args]       the shebang form: what follows is
//   the script's tonio [options] [python's flags] -c CODE | -m MODULE | - |
//   SCRIPT | -i
//                                       acts as a plain Python
//   python... [anything]                a link with such a name is exactly
//   Python
#pragma once

#include <string>
#include <vector>

#include "options.h"

namespace tonio::launcher {

struct CommandLine {
  enum class Action {
    kRunScript,
    kActAsPython,      // tonio, given Python's flags: our options and venv rules
                       // hold
    kBeExactlyPython,  // called as python*
    kShowHelp,
    kShowVersion,
    kShowUsage,  // nothing was given at all
  };

  Action action = Action::kRunScript;
  Options options;
  std::string script;             // kRunScript: a path as given, or "-" for standard input
  std::vector<std::string> args;  // kRunScript: the script's own; else Python's, without argv[0]
};

// Throws StartError.
CommandLine parse_command_line(const std::vector<std::string>& argv);

// Python's flags in `args` end where its program starts. Gives the script's
// path if the program is a file, else an empty string.
std::string script_of_python(const std::vector<std::string>& args);

}  // namespace tonio::launcher
