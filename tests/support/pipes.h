// Descriptors to try readiness with.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"
#include "base/unique_fd.h"

namespace tonio::test {

struct Pair {
  base::UniqueFd a, b;
};

// Written to at b, read from at a.
inline Pair make_pipe() {
  int ends[2];
  TONIO_CHECK(::pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

inline Pair make_socketpair() {
  int ends[2];
  TONIO_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
  return {base::UniqueFd(ends[0]), base::UniqueFd(ends[1])};
}

inline void put(int fd, const char* text = "x") { TONIO_CHECK(::write(fd, text, 1) == 1); }
inline void take(int fd) {
  char c;
  TONIO_CHECK(::read(fd, &c, 1) == 1);
}
inline bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
// Whether an epoll set of this process has the descriptor.
inline bool is_watched(int fd) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    for (std::string key; info >> key; info.ignore(1000, '\n')) {
      int target = -1;
      if (key == "tfd:" && info >> target && target == fd) return true;
    }
  }
  return false;
}

}  // namespace tonio::test
