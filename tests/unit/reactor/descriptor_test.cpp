#include "reactor/descriptor.h"

#include <doctest/doctest.h>
#include <sys/eventfd.h>

#include <cerrno>

#include "support/pipes.h"
#include "support/polled_reactor.h"

using namespace tonio;
using reactor::Descriptor;
using reactor::Interest;

namespace {

std::unique_ptr<Descriptor> open(test::PolledReactor& reactor, int fd) {
  int error = 0;
  auto descriptor = Descriptor::open(reactor.reactor, fd, error);
  REQUIRE(descriptor);
  return descriptor;
}

// 0 when the task is suspended, else errno's value.
int wait_for_reading(test::StepTask& task, Descriptor& descriptor) {
  task.resumed = false;
  REQUIRE(task.state().begin_arming());
  if (const int error = descriptor.wait(Interest::kRead, task.waiter()); error != 0) {
    CHECK(!task.state().cancel_arming());
    return error;
  }
  REQUIRE(task.state().finish_arming());
  return 0;
}

}  // namespace

TEST_CASE("two registrations of one descriptor wake their own waiters") {
  test::PolledReactor reactor;
  test::Pair pipe = test::make_pipe();
  auto one = open(reactor, pipe.a.get()), two = open(reactor, pipe.a.get());
  test::StepTask first(reactor.waker), second(reactor.waker);
  REQUIRE(wait_for_reading(first, *one) == 0);
  REQUIRE(wait_for_reading(second, *two) == 0);
  CHECK(reactor.poll() == 0);
  test::put(pipe.b.get());
  std::size_t woken = 0;
  while (woken < 2) woken += reactor.poll(base::kNever);
  one->close();
  REQUIRE(wait_for_reading(second, *two) == 0);
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(wait_for_reading(first, *one) == EBADF);
}

TEST_CASE("what is registered may be closed, and its number used again") {
  test::PolledReactor reactor;
  test::Pair pipe = test::make_pipe();
  auto watched = open(reactor, pipe.a.get());
  test::StepTask reader(reactor.waker);
  REQUIRE(wait_for_reading(reader, *watched) == 0);
  CHECK(reactor.poll() == 0);
  const int number = pipe.a.get();
  pipe.a.reset();
  test::Pair other = test::make_pipe();
  REQUIRE(other.a.get() == number);
  test::put(other.b.get());
  CHECK(reactor.poll() == 0);
  test::put(pipe.b.get());
  CHECK(reactor.poll(base::kNever) == 1);
}

TEST_CASE("closing wakes who waits, and leaves the descriptor open and as it was") {
  test::PolledReactor reactor;
  const base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC));
  auto watched = open(reactor, fd.get());
  test::StepTask reader(reactor.waker);
  REQUIRE(wait_for_reading(reader, *watched) == 0);
  CHECK(reactor.poll() == 0);
  CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0);
  watched->close();
  CHECK(reader.resumed);
  CHECK(watched->error() == EBADF);
  CHECK(watched->closed());
  watched->close();
  int error = 0;
  CHECK(!watched->ready(Interest::kRead, error));
  CHECK(error == EBADF);
  CHECK(test::is_open(fd.get()));
}

TEST_CASE("ready() asks without waiting") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  auto watched = open(reactor, pair.a.get());
  int error = 0;
  CHECK(!watched->ready(Interest::kRead, error));
  CHECK(watched->ready(Interest::kWrite, error));
  test::put(pair.b.get());
  CHECK(watched->ready(Interest::kRead, error));
  test::take(pair.a.get());
  CHECK(!watched->ready(Interest::kRead, error));
  pair.b.reset();
  CHECK(watched->ready(Interest::kRead, error));
  CHECK(error == 0);
}

TEST_CASE("what can't be polled is refused when it is registered") {
  test::PolledReactor reactor;
  int error = 0;
  const base::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  CHECK(!Descriptor::open(reactor.reactor, file.get(), error));
  CHECK(error == EPERM);
  CHECK(!Descriptor::open(reactor.reactor, -1, error));
  CHECK(error == EBADF);
}
