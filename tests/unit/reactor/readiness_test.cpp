#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <vector>

#include "support/pipes.h"
#include "support/polled_reactor.h"

using namespace tonio;
using reactor::Interest;
using reactor::Registration;

namespace {
struct Watched {
  Watched(test::PolledReactor& reactor, int fd) : registration(reactor.reactor, fd) {}
  ~Watched() { registration.release(); }
  Registration registration;
};

// Socket pairs, each with a reader that waits.
struct Many {
  static constexpr std::size_t kCount = 300;

  explicit Many(test::PolledReactor& reactor) {
    for (std::size_t i = 0; i < kCount; ++i) {
      pairs.push_back(test::make_socketpair());
      readers.emplace_back(reactor.waker);
      watched.emplace_back(reactor, pairs.back().a.get());
      wait(i);
    }
  }
  void wait(std::size_t i) {
    REQUIRE(test::wait_for(readers[i], watched[i].registration, Interest::kRead));
  }

  std::vector<test::Pair> pairs;
  std::deque<test::StepTask> readers;
  std::deque<Watched> watched;  // released first
};

// Errno's value with which a wait that can't be is refused.
int refused(test::StepTask& task, Registration& registration) {
  REQUIRE(task.state().begin_arming());
  const int error = registration.wait(Interest::kRead, task.waiter());
  (void)task.state().cancel_arming();
  return error;
}
}  // namespace

TEST_CASE("a pipe that becomes readable wakes its reader") {
  test::PolledReactor reactor;
  test::Pair pipe = test::make_pipe();
  Watched watched(reactor, pipe.a.get());
  test::StepTask reader(reactor.waker);
  REQUIRE(test::wait_for(reader, watched.registration, Interest::kRead));
  CHECK(reactor.poll() == 0);
  CHECK(reader.state().suspended());
  test::put(pipe.b.get());
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(reader.state().reason() == task::WakeReason::kCompleted);
  // What is still there ends the next wait: readiness is a level.
  REQUIRE(test::wait_for(reader, watched.registration, Interest::kRead));
  CHECK(reactor.poll(base::kNever) == 1);
  test::take(pipe.a.get());
  REQUIRE(test::wait_for(reader, watched.registration, Interest::kRead));
  CHECK(reactor.poll() == 0);
  // The end of the other side is readiness too.
  pipe.b.reset();
  CHECK(reactor.poll(base::kNever) == 1);
}

TEST_CASE("a reader and a writer wait for one descriptor, and several readers") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  Watched watched(reactor, pair.a.get());
  test::StepTask one(reactor.waker), two(reactor.waker), writer(reactor.waker);
  REQUIRE(test::wait_for(one, watched.registration, Interest::kRead));
  REQUIRE(test::wait_for(two, watched.registration, Interest::kRead));
  CHECK(reactor.poll() == 0);
  REQUIRE(test::wait_for(writer, watched.registration, Interest::kWrite));
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(!writer.state().suspended());
  CHECK(one.state().suspended());
  test::put(pair.b.get());
  std::size_t woken = 0;
  while (woken < 2) woken += reactor.poll(base::kNever);
  CHECK(woken == 2);
}

TEST_CASE("the watch outlives a wait, stops when nobody waits, and begins again") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  Watched watched(reactor, pair.a.get());
  test::StepTask reader(reactor.waker);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(test::wait_for(reader, watched.registration, Interest::kRead));
    test::put(pair.b.get());
    CHECK(reactor.poll(base::kNever) == 1);
    test::take(pair.a.get());
    // Ready with nobody in line: seen a few times, then the loop is quiet.
    test::put(pair.b.get());
    int seen = 0;
    do {
      CHECK(reactor.poll(base::now() + 1'000'000) == 0);  // ends at once
      ++seen;
    } while (seen < 10 && test::is_watched(pair.a.get()));
    CHECK(seen == 5);
    const base::Instant before = base::now();
    CHECK(reactor.poll(before + 2'000) == 0);
    CHECK(base::now() >= before + 2'000);
    REQUIRE(test::wait_for(reader, watched.registration, Interest::kRead));
    CHECK(reactor.poll(base::kNever) == 1);
    test::take(pair.a.get());
  }
}

TEST_CASE("of many that are ready, none is found a second time before each was found once") {
  test::PolledReactor reactor;
  Many many(reactor);
  for (const auto& pair : many.pairs) test::put(pair.b.get());
  std::vector<int> found(Many::kCount);
  for (int poll = 0; poll < 20; ++poll) {
    const std::size_t woken = reactor.poll(base::kNever);
    CHECK(woken > 0);
    CHECK(woken < Many::kCount);  // else there is no order to look at
    for (std::size_t i = 0; i < Many::kCount; ++i) {
      if (many.readers[i].state().suspended()) continue;
      ++found[i];
      many.wait(i);
    }
    const auto [least, most] = std::minmax_element(found.begin(), found.end());
    CHECK(*most - *least <= 1);
  }
}

TEST_CASE("what nobody waits for does not hide what somebody waits for") {
  test::PolledReactor reactor;
  Many many(reactor);
  for (const auto& pair : many.pairs) test::put(pair.b.get());
  std::size_t woken = 0;
  while (woken < Many::kCount) woken += reactor.poll();
  for (const std::size_t i : {std::size_t{0}, Many::kCount / 2, Many::kCount - 1}) {
    many.wait(i);
    CHECK(reactor.poll() == 1);
  }
}

TEST_CASE("a second registration of one descriptor is refused, and the first one goes on") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  test::StepTask first(reactor.waker), second(reactor.waker);
  Watched one(reactor, pair.a.get());
  REQUIRE(test::wait_for(first, one.registration, Interest::kRead));
  {
    Watched other(reactor, pair.a.get());
    CHECK(refused(second, other.registration) == EEXIST);
  }
  test::put(pair.b.get());
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(!first.state().suspended());
}

TEST_CASE("a refusal is over with its reason") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  test::StepTask first(reactor.waker), second(reactor.waker);
  auto one = std::make_unique<Watched>(reactor, pair.a.get());
  REQUIRE(test::wait_for(first, one->registration, Interest::kRead));
  Watched other(reactor, pair.a.get());
  CHECK(refused(second, other.registration) == EEXIST);
  one.reset();
  REQUIRE(test::wait_for(second, other.registration, Interest::kRead));
  test::put(pair.b.get());
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(!second.state().suspended());
}

TEST_CASE("a hang-up wakes a reader beside a writer that is ready") {
  test::PolledReactor reactor;
  // A TCP socket that is not connected is writable and hung up.
  base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  Watched watched(reactor, socket.get());
  test::StepTask reader(reactor.waker), writer(reactor.waker);
  REQUIRE(test::wait_for(writer, watched.registration, Interest::kWrite));
  REQUIRE(test::wait_for(reader, watched.registration, Interest::kRead));
  CHECK(reactor.poll(base::kNever) == 2);
}

TEST_CASE("a waiter that has left is not woken") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  Watched watched(reactor, pair.a.get());
  test::StepTask gone(reactor.waker), stays(reactor.waker);
  REQUIRE(test::wait_for(gone, watched.registration, Interest::kRead));
  gone.cancel();
  CHECK(reactor.waker.last == &gone);
  watched.registration.cancel_wait(Interest::kRead, gone.waiter());
  REQUIRE(test::wait_for(stays, watched.registration, Interest::kRead));
  test::put(pair.b.get());
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(!stays.state().suspended());
  CHECK(gone.state().reason() == task::WakeReason::kCancelled);
}

TEST_CASE("an error of the descriptor wakes its waiters") {
  test::PolledReactor reactor;
  test::Pair pipe = test::make_pipe();
  // A full pipe, so that only the error makes it ready.
  while (::write(pipe.b.get(), "0123456789", 10) > 0) {
  }
  Watched watched(reactor, pipe.b.get());
  test::StepTask writer(reactor.waker);
  REQUIRE(test::wait_for(writer, watched.registration, Interest::kWrite));
  CHECK(reactor.poll() == 0);
  pipe.a.reset();
  CHECK(reactor.poll(base::kNever) == 1);
  // And the next waiter too.
  REQUIRE(test::wait_for(writer, watched.registration, Interest::kWrite));
  CHECK(reactor.poll(base::kNever) == 1);
}

TEST_CASE("a descriptor that can't be watched gives its error") {
  test::PolledReactor reactor;
  base::UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  REQUIRE(file.valid());
  Watched watched(reactor, file.get());
  test::StepTask task(reactor.waker);
  for (int i = 0; i < 2; ++i) {
    CHECK(refused(task, watched.registration) == EPERM);
    CHECK(!task.waiter().linked());
  }
}
