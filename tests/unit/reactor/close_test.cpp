#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "support/countdown.h"
#include "support/parallelize.h"
#include "support/pipes.h"
#include "support/polled_reactor.h"
#include "support/stress.h"

using namespace tonio;
using reactor::Interest;
using reactor::Registration;

namespace {

// A thread that polls, as a worker with the baton does.
class Poller {
 public:
  explicit Poller(test::PolledReactor& reactor)
      : reactor_(reactor), thread_([this] {
          while (!stop_) {
            ++polls_;
            woken_ += static_cast<long>(reactor_.poll(base::kNever));
          }
        }) {}
  ~Poller() { stop(); }

  void stop() {
    if (!thread_.joinable()) return;
    stop_ = true;
    reactor_.reactor.wake();
    thread_.join();
  }
  long woken() const { return woken_; }
  long polls() const { return polls_; }

 private:
  test::PolledReactor& reactor_;
  std::atomic<bool> stop_{false};
  std::atomic<long> woken_{0}, polls_{0};
  std::thread thread_;
};

}  // namespace

TEST_CASE("a wait from another thread reaches the poll that blocks") {
  test::PolledReactor reactor;
  Poller poller(reactor);
  for (int i = 0; i < test::rounds(1'000); ++i) {
    test::Pair pair = test::make_socketpair();
    Registration registration(reactor.reactor, pair.a.get());
    test::StepTask reader(reactor.waker);
    REQUIRE(test::wait_for(reader, registration, Interest::kRead));
    test::put(pair.b.get());
    test::until_resumed(reader);
    registration.release();
    pair.a.reset();
  }
}

TEST_CASE("a release wakes who waits, also while a poll blocks") {
  test::PolledReactor reactor;
  for (const bool polled : {false, true}) {
    test::Pair pair = test::make_socketpair();
    Registration registration(reactor.reactor, pair.a.get());
    test::StepTask reader(reactor.waker), writer(reactor.waker);
    REQUIRE(test::wait_for(reader, registration, Interest::kRead));
    CHECK(reactor.poll() == 0);
    std::optional<Poller> poller;
    if (polled) {
      poller.emplace(reactor);
      while (poller->polls() == 0) std::this_thread::yield();
    }
    const int woken = reactor.waker.count;
    registration.release();
    CHECK(reactor.waker.count == woken + 1);
    CHECK(reader.resumed);
    CHECK(!reader.state().suspended());
    CHECK(reader.state().reason() == task::WakeReason::kCompleted);
    CHECK(!test::is_watched(pair.a.get()));
    CHECK(registration.error() == EBADF);
    CHECK(!test::wait_for(writer, registration, Interest::kWrite));
  }
}

TEST_CASE("a released descriptor may be watched anew") {
  test::PolledReactor reactor;
  Poller poller(reactor);
  for (int i = 0; i < test::rounds(500); ++i) {
    test::Pair pair = test::make_socketpair();
    const int fd = pair.a.get();
    Registration registration(reactor.reactor, fd);
    test::StepTask reader(reactor.waker);
    REQUIRE(test::wait_for(reader, registration, Interest::kRead));
    registration.release();
    test::until_resumed(reader);
    Registration other(reactor.reactor, fd);
    REQUIRE(test::wait_for(reader, other, Interest::kRead));
    test::put(pair.b.get());
    test::until_resumed(reader);
    CHECK(other.error() == 0);
    other.release();
    pair.a.reset();
  }
}

// The kernel gives the lowest free number, so the next descriptor has the same.
TEST_CASE("a descriptor that was closed behind the reactor's back can come back") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair();
  const int number = pair.a.get();
  base::UniqueFd copy(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  test::StepTask reader(reactor.waker);
  {
    Registration registration(reactor.reactor, number);
    REQUIRE(test::wait_for(reader, registration, Interest::kRead));
    pair.a.reset();
    registration.release();
  }
  // The kernel tells of it for as long as the copy is open.
  test::put(pair.b.get());
  CHECK(reactor.poll(base::kNever) == 0);

  REQUIRE(::dup3(copy.get(), number, O_CLOEXEC) == number);
  pair.a.reset(number);
  Registration registration(reactor.reactor, number);
  REQUIRE(test::wait_for(reader, registration, Interest::kRead));
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(registration.error() == 0);
  registration.release();
}

TEST_CASE("another descriptor that was put into the place of a watched one is watched") {
  test::PolledReactor reactor;
  test::Pair pair = test::make_socketpair(), other = test::make_socketpair();
  test::StepTask reader(reactor.waker), writer(reactor.waker);
  Registration registration(reactor.reactor, pair.a.get());
  REQUIRE(test::wait_for(reader, registration, Interest::kRead));
  REQUIRE(::dup3(other.a.get(), pair.a.get(), O_CLOEXEC) == pair.a.get());
  REQUIRE(test::wait_for(writer, registration, Interest::kWrite));
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(!writer.state().suspended());
  test::put(other.b.get());
  CHECK(reactor.poll(base::kNever) == 1);
  CHECK(!reader.state().suspended());
  registration.release();
}

TEST_CASE("a descriptor's number that is used again at once belongs to the new one") {
  test::PolledReactor reactor;
  Poller poller(reactor);
  int same = 0;
  for (int i = 0; i < test::rounds(1'000); ++i) {
    test::Pair old_pair = test::make_socketpair();
    const int number = old_pair.a.get();
    Registration registration(reactor.reactor, number);
    test::StepTask reader(reactor.waker);
    REQUIRE(test::wait_for(reader, registration, Interest::kRead));
    // Readiness of the old one that is on its way.
    test::put(old_pair.b.get());
    registration.release();
    old_pair.a.reset();
    test::until_resumed(reader);

    test::Pair pair = test::make_socketpair();
    same += pair.a.get() == number;
    Registration next(reactor.reactor, pair.a.get());
    REQUIRE(test::wait_for(reader, next, Interest::kRead));
    test::put(pair.b.get());
    test::until_resumed(reader);
    CHECK(next.error() == 0);
    test::take(pair.a.get());
    next.release();
    pair.a.reset();
  }
  CHECK(same > 0);
}

TEST_CASE("waits, readiness, cancellations and a close meet on one descriptor") {
  test::PolledReactor reactor;
  Poller poller(reactor);
  for (int i = 0; i < test::rounds(200); ++i) {
    test::Pair pair = test::make_socketpair();
    Registration registration(reactor.reactor, pair.a.get());
    test::StepTask tasks[3] = {test::StepTask(reactor.waker), test::StepTask(reactor.waker),
                               test::StepTask(reactor.waker)};
    std::atomic<int> waiting{3};
    test::parallelize(5, [&](int me) {
      if (me < 3) {
        const Interest interest = me == 2 ? Interest::kWrite : Interest::kRead;
        auto& task = tasks[me];
        for (;;) {
          task.resumed = false;
          if (!task.state().begin_arming()) {
            task.state().deliver_cancel();
            continue;
          }
          if (registration.wait(interest, task.waiter()) != 0) {
            (void)task.state().cancel_arming();
            break;
          }
          if (task.state().finish_arming()) test::until_resumed(task);
          if (task.state().reason() != task::WakeReason::kCompleted) {
            registration.cancel_wait(interest, task.waiter());
          }
        }
        --waiting;
      } else if (me == 3) {
        while (waiting > 0) {
          tasks[i % 3].cancel();
          std::this_thread::yield();
        }
      } else {
        for (int k = 0; k < 10; ++k) {
          test::put(pair.b.get());
          std::this_thread::yield();
        }
        registration.release();
        pair.a.reset();
      }
    });
    CHECK(registration.error() == EBADF);
  }
}

TEST_CASE("a closed reactor wakes its waiters, and its registrations are harmless") {
  test::ResumingWaker waker;
  reactor::Reactor reactor;
  std::string error;
  reactor.wake();  // not open
  for (int i = 0; i < 3; ++i) {
    REQUIRE(reactor.open(error));
    test::Pair one = test::make_socketpair(), two = test::make_socketpair(),
               three = test::make_socketpair();
    Registration waited(reactor, one.a.get());
    Registration unused(reactor, two.a.get());
    test::StepTask reader(waker);
    Registration idle(reactor, three.a.get());
    REQUIRE(test::wait_for(reader, idle, Interest::kRead));
    reader.cancel();
    idle.cancel_wait(Interest::kRead, reader.waiter());
    reader.state().deliver_cancel();
    REQUIRE(test::wait_for(reader, waited, Interest::kRead));
    reactor.close();
    CHECK(!reader.state().suspended());
    CHECK(waited.error() == EBADF);
    CHECK(!test::wait_for(reader, waited, Interest::kRead));
    // Nor can one wait that has never waited before.
    CHECK(!test::wait_for(reader, unused, Interest::kRead));
    // Those that nobody waited for go on when the reactor is opened again.
    REQUIRE(reactor.open(error));
    CHECK(waited.error() == EBADF);
    for (Registration* registration : {&idle, &unused}) {
      CHECK(registration->error() == 0);
      REQUIRE(test::wait_for(reader, *registration, Interest::kRead));
      reader.cancel();
      registration->cancel_wait(Interest::kRead, reader.waiter());
      reader.state().deliver_cancel();
    }
    reactor.close();
    idle.release();
    reactor.wake();
    waited.release();
    unused.release();
    reactor.close();  // no effect
  }
}

TEST_CASE("descriptors are released on many threads while the reactor closes") {
  for (int i = 0; i < test::rounds(200); ++i) {
    test::ResumingWaker waker;
    reactor::Reactor reactor;
    std::string error;
    REQUIRE(reactor.open(error));
    constexpr int kThreads = 4;
    test::parallelize(kThreads + 1, [&](int me) {
      if (me == kThreads) return reactor.close();
      for (int k = 0; k < 5; ++k) {
        test::Pair pair = test::make_socketpair();
        Registration registration(reactor, pair.a.get());
        test::StepTask reader(waker);
        const bool waits = test::wait_for(reader, registration, Interest::kRead);
        registration.release();
        pair.a.reset();
        if (waits) test::until_resumed(reader);
      }
    });
  }
}
