#include "process.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "environment.h"
#include "start_error.h"

namespace tonio::launcher {

std::string executable_path() {
  char buffer[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  if (length > 0 && length < static_cast<ssize_t>(sizeof buffer)) {
    return std::string(buffer, static_cast<std::size_t>(length));
  }
  // No /proc: what execve was given. glibc's realpath needs no /proc either.
  // NOLINTNEXTLINE(performance-no-int-to-ptr): that is the interface
  const char* given = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  if (given != nullptr && realpath(given, buffer) != nullptr) {
    return buffer;
  }
  throw StartError("can't find the path of this executable; mount /proc", 1);
}

void fill_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd) {
    if (fcntl(fd, F_GETFD) == -1 && errno == EBADF) {
      // The lowest free number is `fd`: the ones below it are open by now.
      // Without a /dev/null the descriptor stays closed, as it was.
      if (open("/dev/null", O_RDWR) == -1) {
        return;
      }
    }
  }
}

void enlarge_thread_stacks() {
  constexpr std::size_t kEnough = 8 << 20;
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) != 0) {
    return;
  }
  std::size_t size = 0;
  if (pthread_attr_getstacksize(&attributes, &size) == 0 && size < kEnough &&
      pthread_attr_setstacksize(&attributes, kEnough) == 0) {
    pthread_setattr_default_np(&attributes);
  }
  pthread_attr_destroy(&attributes);
}

std::string absolute_path(const std::string& path) {
  if (!path.empty() && path[0] == '/') {
    return path;
  }
  char buffer[PATH_MAX];
  if (getcwd(buffer, sizeof buffer) == nullptr) {
    return path;  // the working directory is gone; the path may still open
  }
  std::string folder = buffer;
  return folder + (folder == "/" ? "" : "/") +
         (path.compare(0, 2, "./") == 0 ? path.substr(2) : path);
}

std::string parent_of(const std::string& path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : slash == 0 ? "/" : path.substr(0, slash);
}

std::string find_program(const std::string& called) {
  if (called.find('/') != std::string::npos) {
    return called;
  }
  const std::string path = read_variable("PATH");
  for (std::size_t begin = 0; begin <= path.size();) {
    std::size_t end = std::min(path.find(':', begin), path.size());
    // An empty entry is the working directory.
    std::string candidate = (end == begin ? "." : path.substr(begin, end - begin)) + "/" + called;
    if (is_file(candidate) && access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    begin = end + 1;
  }
  return "";
}

bool is_file(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

bool is_folder(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace tonio::launcher
