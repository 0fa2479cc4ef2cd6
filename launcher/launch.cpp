#include "launch.h"

#include <Python.h>
#include <unistd.h>

#include <cstdio>

#include "command_line.h"
#include "ending.h"
#include "entrypoint.h"
#include "environment.h"
#include "help.h"
#include "interpreter.h"
#include "process.h"
#include "python/embed.h"
#include "python_config.h"
#include "script.h"
#include "start_error.h"
#include "venv.h"

namespace tonio::launcher {

namespace {

using Action = CommandLine::Action;
using Arguments = std::vector<std::string>;

void start_log(const Options& options) {
  if (auto problem = base::init_log(options.log_level, options.log_file)) {
    throw StartError("--log-file: " + *problem);
  }
}

void register_modules() {
  if (!python::register_builtin()) {
    throw StartError("out of memory", 1);
  }
}

InterpreterOptions interpreter_options(const CommandLine& line,
                                       const Arguments& argv,
                                       const std::string& script_folder) {
  if (line.options.gil == GilPolicy::kError) {
    export_variable("TONIO_GIL",
                    "error");  // children that act as a Python hold to it too
  }
  return {executable_path(),
          choose_venv({line.options.venv, argv[0], script_folder}), argv};
}

int run_script_program(const CommandLine& line, const Arguments& argv) {
  check_script(line.script);
  start_log(line.options);
  const InterpreterOptions interpreter =
      interpreter_options(line, argv, folder_of_script(line.script));
  Arguments script_argv{line.script};
  script_argv.insert(script_argv.end(), line.args.begin(), line.args.end());
  register_modules();
  initialize_for_script(interpreter, script_argv);
  int exit_code = 0;
  if (!extend_interpreter(line.options) || !python::start() ||
      !run_script(line.script)) {
    exit_code = report_exception();
  } else if (!python::was_run()) {
    exit_code = run_entrypoint(line.options.entry);
  }
  return end_program(exit_code);
}

// Py_RunMain runs and finalises, as in python itself.
int run_python(bool extended) {
  return extended ? Py_RunMain() : end_program(report_exception());
}

int act_as_python(const CommandLine& line, const Arguments& argv) {
  Arguments python_argv{argv[0]};
  python_argv.insert(python_argv.end(), line.args.begin(), line.args.end());
  const std::string script = script_of_python(line.args);
  start_log(line.options);
  InterpreterOptions interpreter = interpreter_options(
      line, argv, script.empty() ? script : folder_of_script(script));
  interpreter.argv = python_argv;
  register_modules();
  initialize_as_python(interpreter);
  return run_python(extend_interpreter(line.options));
}

int be_exactly_python(const CommandLine& line, const Arguments& argv) {
  start_log(line.options);
  register_modules();
  initialize_exactly_python(argv);
  return run_python(extend_exact_python(line.options));
}

}  // namespace

int launch(int argc, char** argv) {
  Arguments arguments(argv, argv + argc);
  if (arguments.empty()) {
    arguments.emplace_back("tonio");  // execve with an empty argv
  }
  const CommandLine line = parse_command_line(arguments);
  if (line.action != Action::kBeExactlyPython) {
    fill_standard_descriptors();
  }
  switch (line.action) {
    case Action::kRunScript:
      return run_script_program(line, arguments);
    case Action::kActAsPython:
      return act_as_python(line, arguments);
    case Action::kBeExactlyPython:
      return be_exactly_python(line, arguments);
    case Action::kShowHelp:
      std::fputs(help_text().c_str(), stdout);
      return 0;
    case Action::kShowVersion:
      std::fputs(version_text().c_str(), stdout);
      return 0;
    case Action::kShowUsage:
      std::fputs(help_text().c_str(), stderr);
      return kUsageError;
  }
  return kUsageError;
}

}  // namespace tonio::launcher
