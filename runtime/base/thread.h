// Threads of the runtime.
#pragma once

#include <pthread.h>

#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace tonio::base {

using Thread = std::thread;

// Starts a thread; `name` is what debuggers show (at most 15 bytes). Its signal mask is
// the caller's: processes that it starts inherit it in their turn, and one that blocks
// signals would not hear a SIGTERM. Throws std::system_error.
template <typename Main>
Thread start_thread(const std::string& name, Main&& main) {
  Thread thread(std::forward<Main>(main));
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

// The object of type T that the calling thread belongs to, if any.
template <typename T>
class OfThread {
 public:
  static T* get() { return object_; }
  static void set(T* object) { object_ = object; }

 private:
  static inline constinit thread_local T* object_ = nullptr;
};

}  // namespace tonio::base
