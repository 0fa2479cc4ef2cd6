#include "base/thread.h"

#include <doctest/doctest.h>

#include <csignal>
#include <string>

#include "support/countdown.h"

using namespace tonio;

TEST_CASE("a runtime thread has its creator's signal mask and its own name") {
  sigset_t wanted, before, inside;
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGUSR2);
  pthread_sigmask(SIG_SETMASK, &wanted, &before);
  char name[16] = "";
  test::Countdown named;
  std::thread thread = base::start_thread("tonio-work-1234567", [&] {
    pthread_sigmask(SIG_SETMASK, nullptr, &inside);
    named.wait();
  });
  pthread_getname_np(thread.native_handle(), name, sizeof name);
  named.count_down();
  thread.join();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(sigismember(&inside, SIGUSR2) == 1);
  for (const int sig : {SIGINT, SIGTERM, SIGCHLD, SIGWINCH, SIGALRM, SIGTSTP, SIGSEGV}) {
    CHECK(sigismember(&inside, sig) == 0);
  }
  CHECK(std::string(name) == "tonio-work-1234");
}
