#include "launch.h"

#include <Python.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>
#include <system_error>

#include "base/log.h"
#include "command_line.h"
#include "ending.h"
#include "entrypoint.h"
#include "environment.h"
#include "help.h"
#include "interpreter.h"
#include "process.h"
#include "python/embed.h"
#include "python/exit_code.h"
#include "python_config.h"
#include "script.h"
#include "start_error.h"
#include "venv.h"

namespace tonio::launcher {

namespace {

using Action = CommandLine::Action;
using Arguments = std::vector<std::string>;

void log_versions() {
  base::log(base::LogLevel::kInfo, "tonio " TONIO_VERSION " with CPython " PY_VERSION);
}

void start_log(const Options& options) {
  // As CPython does a moment later: a log whose reader has left does not end the program.
  std::signal(SIGPIPE, SIG_IGN);
  if (auto problem = base::init_log(options.log_level, options.log_file)) {
    throw StartError("the log of --log-file or TONIO_LOG_FILE: " + *problem);
  }
  log_versions();
}

void register_modules() {
  if (!python::register_builtin()) {
    throw StartError("out of memory", 1);
  }
}

InterpreterOptions interpreter_options(const CommandLine& line, const Arguments& argv,
                                       const std::string& script_folder) {
  if (line.options.gil == GilPolicy::kError) {
    export_variable("TONIO_GIL",
                    "error");  // children that act as a Python hold to it too
  }
  InterpreterOptions options{executable_path(),
                             choose_venv({line.options.venv, argv[0], script_folder}), argv};
  base::log(base::LogLevel::kInfo, options.venv.empty() ? "no virtual environment"
                                                        : "virtual environment " + options.venv);
  return options;
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
  if (!extend_interpreter(line.options) || !python::start() || !run_script(line.script)) {
    return end_program(std::nullopt);
  }
  return end_program(python::was_run() ? 0 : run_entrypoint(line.options.entry));
}

// Py_RunMain runs and finalises, as in python itself.
int run_python(bool extended) { return extended ? Py_RunMain() : end_program(std::nullopt); }

int act_as_python(const CommandLine& line, const Arguments& argv) {
  Arguments python_argv{argv[0]};
  python_argv.insert(python_argv.end(), line.args.begin(), line.args.end());
  const std::string script = script_of_python(line.args);
  start_log(line.options);
  InterpreterOptions interpreter =
      interpreter_options(line, argv, script.empty() ? script : folder_of_script(script));
  interpreter.argv = python_argv;
  register_modules();
  initialize_as_python(interpreter);
  return run_python(extend_interpreter(line.options));
}

int be_exactly_python(const CommandLine& line, const Arguments& argv) {
  // Nothing that is said to tonio keeps a Python from starting.
  if (base::init_log(line.options.log_level, line.options.log_file)) {
    (void)base::init_log(line.options.log_level, "");
  }
  log_versions();
  register_modules();
  initialize_exactly_python(argv);
  return run_python(extend_exact_python(line.options));
}

// To standard output. Gives the exit code.
int print(const std::string& text) {
  if (std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0) {
    return 0;
  }
  const int error = errno;
  std::fprintf(stderr, "tonio: can't write to standard output: %s\n",
               std::generic_category().message(error).c_str());
  return 1;
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
    enlarge_thread_stacks();
  }
  switch (line.action) {
    case Action::kRunScript:
      return run_script_program(line, arguments);
    case Action::kActAsPython:
      return act_as_python(line, arguments);
    case Action::kBeExactlyPython:
      return be_exactly_python(line, arguments);
    case Action::kShowHelp:
      return print(help_text());
    case Action::kShowVersion:
      return print(version_text());
    case Action::kShowUsage:
      std::fputs(help_text().c_str(), stderr);
      return kUsageError;
  }
  return kUsageError;
}

}  // namespace tonio::launcher
