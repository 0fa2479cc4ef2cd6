// This process: its executable and its standard descriptors.
#pragma once

#include <string>

namespace tonio::launcher {

// The absolute path of the running executable, links resolved. Throws
// StartError.
std::string executable_path();

// Opens /dev/null for each of the descriptors 0 to 2 that is closed. Otherwise
// the log, the reactor or the first socket would get such a number, and
// whatever writes to "standard error" would write into it.
void fill_standard_descriptors();

// Gives threads that are started from now on stacks that are as large as CPython's limits of
// recursion count on, whatever RLIMIT_STACK says ("unlimited" makes them 2 MiB): past the end of a
// smaller one, deep recursion ends the process instead of raising RecursionError.
void enlarge_thread_stacks();

// `path` as seen from the root, as Python forms __file__: links stay.
std::string absolute_path(const std::string& path);

// As os.path.dirname of an absolute path.
std::string parent_of(const std::string& path);

// The file that a shell would run for `called`, or empty.
std::string find_program(const std::string& called);

bool is_file(const std::string& path);
bool is_folder(const std::string& path);

}  // namespace tonio::launcher
