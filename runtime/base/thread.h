// Threads of the runtime.
#pragma once

#include <pthread.h>

#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace tonio::base {

// Starts a thread; `name` is what debuggers show (at most 15 bytes). Its signal mask is
// the caller's: processes that it starts inherit it in their turn, and one that blocks
// signals would not hear a SIGTERM. Throws std::system_error.
template <typename Main>
std::thread start_thread(const std::string& name, Main&& main) {
  std::thread thread(std::forward<Main>(main));
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

}  // namespace tonio::base
