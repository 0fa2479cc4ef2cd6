// Threads of the runtime.
#pragma once

#include <pthread.h>

#include <csignal>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace tonio::base {

// Starts a thread that no process-directed signal is delivered to: those are the main
// thread's. Faults stay deliverable, they belong to who commits them. `name` is what
// debuggers show (at most 15 bytes). Throws std::system_error.
template <typename Main>
std::thread start_thread(const std::string& name, Main&& main) {
  sigset_t blocked, before;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS}) {
    sigdelset(&blocked, fault);
  }
  // A thread inherits its creator's mask.
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  struct Restore {
    const sigset_t& mask;
    ~Restore() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } restore{before};
  std::thread thread(std::forward<Main>(main));
  pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  return thread;
}

}  // namespace tonio::base
