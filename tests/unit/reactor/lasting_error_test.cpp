// An error that stays with a descriptor wakes who waits once, not again and again.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/unique_fd.h"
#include "support/polled_reactor.h"

namespace tonio::test {
namespace {

using reactor::Interest;

sockaddr* as_address(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

// A non-blocking UDP socket on a free port of the loopback interface.
base::UniqueFd udp_socket(sockaddr_in& address) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd.get(), as_address(address), size) == 0);
  REQUIRE(::getsockname(fd.get(), as_address(address), &size) == 0);
  return fd;
}

// The same with an error in its queue, which stays; the one that was pending is gone.
base::UniqueFd socket_with_error(sockaddr_in& address) {
  base::UniqueFd fd = udp_socket(address);
  sockaddr_in gone{};
  udp_socket(gone).reset();
  const int on = 1;
  REQUIRE(::setsockopt(fd.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on) == 0);
  REQUIRE(::sendto(fd.get(), "x", 1, 0, as_address(gone), sizeof gone) == 1);
  char buffer[10];
  REQUIRE(::recv(fd.get(), buffer, sizeof buffer, 0) == -1);
  return fd;
}

TEST_CASE("an error that stays is told of once, and data comes through") {
  PolledReactor polled;
  sockaddr_in own{};
  const base::UniqueFd fd = socket_with_error(own);
  char buffer[10];

  reactor::Registration registration(polled.reactor, fd.get());
  StepTask reader(polled.waker);
  StepTask writer(polled.waker);
  REQUIRE(wait_for(reader, registration, Interest::kRead));
  CHECK(polled.poll() == 1);
  // The loop begins to watch for changes, which tells of the state that there is.
  REQUIRE(wait_for(reader, registration, Interest::kRead));
  CHECK(polled.poll() == 1);
  for (int i = 0; i < 3; ++i) {
    // No second time, however often one waits.
    REQUIRE(wait_for(reader, registration, Interest::kRead));
    CHECK(polled.poll() == 0);
    CHECK(polled.poll() == 0);
    registration.cancel_wait(Interest::kRead, reader.waiter());
    (void)reader.state().claim(task::WakeReason::kCompleted);
  }

  REQUIRE(wait_for(reader, registration, Interest::kRead));
  REQUIRE(::sendto(fd.get(), "y", 1, 0, as_address(own), sizeof own) == 1);
  CHECK(polled.poll() == 1);
  CHECK(::recv(fd.get(), buffer, sizeof buffer, 0) == 1);
  // A change that came while nobody wrote is not lost on who wants to write.
  CHECK_FALSE(wait_for(writer, registration, Interest::kWrite));

  registration.release();
}

TEST_CASE("where an error stays, what is left over from a change is found by who waits next") {
  PolledReactor polled;
  sockaddr_in own{};
  const base::UniqueFd fd = socket_with_error(own);
  char buffer[10];

  reactor::Registration registration(polled.reactor, fd.get());
  StepTask reader(polled.waker);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(wait_for(reader, registration, Interest::kRead));
    CHECK(polled.poll() == 1);
  }
  for (int i = 0; i < 3; ++i) {
    REQUIRE(::sendto(fd.get(), "y", 1, 0, as_address(own), sizeof own) == 1);
  }
  CHECK(polled.poll() == 0);
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(wait_for(reader, registration, Interest::kRead));
    CHECK(::recv(fd.get(), buffer, sizeof buffer, 0) == 1);
  }
  // That it is watched again tells of the state once more.
  REQUIRE(wait_for(reader, registration, Interest::kRead));
  CHECK(polled.poll() == 1);
  REQUIRE(wait_for(reader, registration, Interest::kRead));
  CHECK(polled.poll() == 0);

  // With the queue empty it is watched as others are.
  char control[512];
  msghdr message{};
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  REQUIRE(::recvmsg(fd.get(), &message, MSG_ERRQUEUE) >= 0);
  for (int i = 0; i < 2; ++i) {
    REQUIRE(::sendto(fd.get(), "y", 1, 0, as_address(own), sizeof own) == 1);
  }
  CHECK(polled.poll() == 1);
  CHECK(::recv(fd.get(), buffer, sizeof buffer, 0) == 1);
  REQUIRE(wait_for(reader, registration, Interest::kRead));
  CHECK(polled.poll() == 1);

  registration.release();
}

}  // namespace
}  // namespace tonio::test
