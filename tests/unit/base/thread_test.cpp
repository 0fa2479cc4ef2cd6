#include "base/thread.h"

#include <doctest/doctest.h>

#include <string>

#include "support/countdown.h"

using namespace tonio;

TEST_CASE(
    "a runtime thread takes no process-directed signal, and its creator's mask "
    "stays") {
  sigset_t before, inside, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  char name[16] = "";
  test::Countdown named;
  std::thread thread = base::start_thread("tonio-work-1234567", [&] {
    pthread_sigmask(SIG_SETMASK, nullptr, &inside);
    named.wait();
  });
  pthread_getname_np(thread.native_handle(), name, sizeof name);
  named.count_down();
  thread.join();
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  for (const int sig :
       {SIGINT, SIGTERM, SIGCHLD, SIGWINCH, SIGUSR1, SIGALRM, SIGTSTP}) {
    CHECK(sigismember(&inside, sig) == 1);
    CHECK(sigismember(&before, sig) == sigismember(&after, sig));
  }
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    CHECK(sigismember(&inside, fault) == 0);
  }
  CHECK(std::string(name) == "tonio-work-1234");
}
