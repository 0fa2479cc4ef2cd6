#include "venv.h"

#include <Python.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "environment.h"
#include "process.h"
#include "python_config.h"
#include "start_error.h"

namespace tonio::launcher {

namespace {

constexpr const char* kVariable = "VIRTUAL_ENV";
// Names the one that a parent has warned about: a pool of children is silent.
constexpr const char* kIgnoredVariable = "TONIO_VENV_IGNORED";

std::string trim(const std::string& text) {
  std::size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string::npos
             ? ""
             : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

// The version in pyvenv.cfg: venv writes "version", virtualenv and uv
// "version_info".
std::string recorded_version(std::istream& config) {
  for (std::string line; std::getline(config, line);) {
    std::size_t equals = line.find('=');
    if (equals != std::string::npos) {
      std::string key = trim(line.substr(0, equals));
      if (key == "version" || key == "version_info") {
        return trim(line.substr(equals + 1));
      }
    }
  }
  return "";
}

bool same_minor(const std::string& version) {
  const std::string ours =
      std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);
  return version == ours || version.compare(0, ours.size() + 1, ours + ".") == 0;
}

std::string remedy(const std::string& folder) {
  return "make a new one: tonio -m venv --clear " + folder;
}

// Code in a .venv runs with our rights, so one that was merely found must
// belong to who owns the script, to us or to root: /tmp/.venv is anybody's.
bool has_trusted_owner(const std::string& folder, const std::string& script_folder) {
  struct stat venv, script;
  return stat(folder.c_str(), &venv) == 0 && stat(script_folder.c_str(), &script) == 0 &&
         (venv.st_uid == 0 || venv.st_uid == geteuid() || venv.st_uid == script.st_uid);
}

std::string find_upwards(const std::string& script_folder) {
  for (std::string folder = script_folder; !folder.empty();
       folder = folder == "/" ? "" : parent_of(folder)) {
    std::string candidate = folder + (folder == "/" ? ".venv" : "/.venv");
    if (is_file(candidate + "/pyvenv.cfg") && has_trusted_owner(candidate, script_folder)) {
      return candidate;
    }
  }
  return "";
}

std::string find_around(const std::string& called) {
  std::string program = find_program(called);
  if (program.empty()) {
    return "";
  }
  std::string folder = parent_of(parent_of(absolute_path(program)));
  return is_file(folder + "/pyvenv.cfg") ? folder : "";
}

std::string find(const VenvRequest& request) {
  std::string around = find_around(request.called);
  if (!around.empty()) {
    return around;
  }
  std::string active = read_variable(kVariable);
  return active.empty() ? find_upwards(request.script_folder) : absolute_path(active);
}

void warn(const std::string& folder, const std::string& problem) {
  if (folder != read_variable(kIgnoredVariable)) {
    std::fprintf(stderr, "tonio: warning: going on without the virtual environment %s: %s\n",
                 folder.c_str(), problem.c_str());
    export_variable(kIgnoredVariable, folder);
  }
}

}  // namespace

std::string venv_problem(const std::string& folder) {
  if (!is_folder(folder)) {
    return "there is no such folder; make one: tonio -m venv " + folder;
  }
  std::ifstream config(folder + "/pyvenv.cfg");
  if (!config) {
    return "it has no readable pyvenv.cfg, so it is not a virtual environment; "
           "make one: tonio -m venv " +
           folder;
  }
  const std::string version = recorded_version(config);
  if (!version.empty() && !same_minor(version)) {
    return "it is for Python " + version + ", and this is Python " PY_VERSION "; " + remedy(folder);
  }
  if (!is_folder(folder + "/lib/" + kStdlibFolder)) {
    const bool with_gil = is_folder(folder + "/lib/" + kStdlibFolderWithGil);
    return std::string(with_gil ? "it is for a Python with the GIL" : "it is for another Python") +
           " (it has no lib/" + kStdlibFolder + "); " + remedy(folder);
  }
  return "";
}

std::string choose_venv(const VenvRequest& request) {
  std::string folder = request.wanted.empty() ? find(request) : absolute_path(request.wanted);
  while (folder.size() > 1 && folder.back() == '/') {
    folder.pop_back();
  }
  if (folder.empty()) {
    return "";
  }
  std::string problem = venv_problem(folder);
  if (problem.empty()) {
    export_variable(kVariable, folder);
    return folder;
  }
  if (!request.wanted.empty()) {
    throw StartError("can't use the virtual environment " + folder + ": " + problem);
  }
  warn(folder, problem);
  return "";
}

}  // namespace tonio::launcher
