#include "net/socket.h"

#include <doctest/doctest.h>
#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <thread>

#include "net/address.h"
#include "support/parallelize.h"
#include "support/pipes.h"
#include "support/running_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using net::Socket;
using reactor::Interest;
using Next = test::StepTask::Next;

namespace {

int tcp() { return ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

struct Listener {
  explicit Listener(test::RunningRuntime& running) : socket(running.reactor(), tcp()) {
    auto address = *net::parse_numeric(AF_INET, "127.0.0.1", 0);
    TONIO_CHECK(::bind(socket.fd(), address.get(), address.size) == 0);
    TONIO_CHECK(::listen(socket.fd(), 512) == 0);
    here.size = sizeof here.storage;
    TONIO_CHECK(
        ::getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&here.storage), &here.size) == 0);
  }
  Socket socket;
  net::Address here;
};

// Makes the running task wait for the socket; what a native operation does.
// False: the socket is closed.
bool arm(test::StepTask& task, Socket& socket, Interest interest) {
  if (!task.state().begin_arming()) std::abort();
  const int error = socket.wait(interest, task.waiter());
  if (error == 0) return true;
  if (task.state().cancel_arming()) std::abort();
  TONIO_CHECK(error == EBADF);
  return false;
}

// Echoes until the peer ends.
class Echo {
 public:
  Echo(test::RunningRuntime& running, int fd, test::Countdown& ended)
      : socket(running.reactor(), fd),
        task(
            running.scheduler(), [this](test::StepTask& me) { return step(me); }, &ended) {}

  Next step(test::StepTask& me) {
    for (;;) {
      if (sent < filled) {
        const auto n = socket.send(buffer + sent, filled - sent, 0);
        if (n.would_block()) return arm(me, socket, Interest::kWrite) ? Next::kWait : Next::kDone;
        if (!n.ok()) return finish();
        sent += static_cast<std::size_t>(n.value);
        continue;
      }
      if (socket.drained() && !waited) {
        waited = true;
        return arm(me, socket, Interest::kRead) ? Next::kWait : Next::kDone;
      }
      const auto n = socket.receive(buffer, sizeof buffer, 0);
      if (n.would_block()) return arm(me, socket, Interest::kRead) ? Next::kWait : Next::kDone;
      if (!n.ok() || n.value == 0) return finish();
      waited = false;
      sent = 0;
      filled = static_cast<std::size_t>(n.value);
    }
  }
  Next finish() {
    socket.close(false);
    return Next::kDone;
  }

  Socket socket;
  test::StepTask task;
  bool waited = false;
  std::size_t sent = 0, filled = 0;
  char buffer[4096];
};

// Sends so many messages and reads each back.
class Client {
 public:
  Client(test::RunningRuntime& running, const net::Address& to, std::size_t size, int messages,
         test::Countdown& ended)
      : to_(to),
        socket_(running.reactor(), tcp()),
        message_(size, 'm'),
        left_(messages),
        task(
            running.scheduler(), [this](test::StepTask& me) { return step(me); }, &ended) {}

  bool good = false;

 private:
  Next step(test::StepTask& me) {
    if (!connected_) {
      const auto r =
          me.stage++ == 0 ? socket_.connect(to_.get(), to_.size) : socket_.finish_connect();
      if (r.error == EINPROGRESS)
        return arm(me, socket_, Interest::kWrite) ? Next::kWait : Next::kDone;
      if (!r.ok()) return Next::kDone;
      connected_ = true;
    }
    for (;;) {
      if (sent_ < message_.size()) {
        const auto n = socket_.send(message_.data() + sent_, message_.size() - sent_, 0);
        if (n.ok()) {
          sent_ += static_cast<std::size_t>(n.value);
        } else if (!n.would_block()) {
          return Next::kDone;
        } else if (received_ == sent_) {
          return arm(me, socket_, Interest::kWrite) ? Next::kWait : Next::kDone;
        }
      }
      char buffer[3000];
      const auto n = socket_.receive(buffer, sizeof buffer, 0);
      if (n.would_block()) {
        if (sent_ < message_.size() && received_ == sent_) continue;
        return arm(me, socket_, Interest::kRead) ? Next::kWait : Next::kDone;
      }
      if (!n.ok() || n.value == 0) return Next::kDone;
      received_ += static_cast<std::size_t>(n.value);
      if (received_ < message_.size()) continue;
      sent_ = received_ = 0;
      if (--left_ == 0) {
        good = true;
        socket_.close(false);
        return Next::kDone;
      }
    }
  }

  const net::Address to_;
  Socket socket_;
  const std::string message_;
  int left_;
  bool connected_ = false;
  std::size_t sent_ = 0, received_ = 0;

 public:
  test::StepTask task;
};

}  // namespace

TEST_CASE("tasks accept, connect, send and receive") {
  for (const unsigned workers : {1u, 2u, 4u, 16u}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{200'000}}) {
      test::RunningRuntime running(workers);
      Listener listener(running);
      const int count = test::rounds(60);
      const int messages = size == 1 ? 30 : 2;
      test::Countdown served(count), clients_ended(count), accepted(1);
      std::deque<std::unique_ptr<Echo>> echoes;
      test::StepTask acceptor(
          running.scheduler(),
          [&](test::StepTask& me) {
            while (echoes.size() < static_cast<std::size_t>(count)) {
              sockaddr_storage peer;
              socklen_t peer_size = 0;
              const auto fd = listener.socket.accept(peer, peer_size);
              if (fd.would_block()) {
                return arm(me, listener.socket, Interest::kRead) ? Next::kWait : Next::kDone;
              }
              if (!fd.ok() || peer.ss_family != AF_INET) std::abort();
              echoes.push_back(std::make_unique<Echo>(running, static_cast<int>(fd.value), served));
              running.scheduler().spawn(echoes.back()->task);
            }
            return Next::kDone;
          },
          &accepted);
      running.scheduler().spawn(acceptor);
      std::deque<std::unique_ptr<Client>> clients;
      for (int i = 0; i < count; ++i) {
        clients.push_back(
            std::make_unique<Client>(running, listener.here, size, messages, clients_ended));
        running.scheduler().spawn(clients.back()->task);
      }
      clients_ended.wait();
      accepted.wait();
      served.wait();
      int good = 0;
      for (auto& client : clients) good += client->good;
      CHECK(good == count);
    }
  }
}

TEST_CASE(
    "closing a socket wakes who waits, from any thread, and frees the "
    "address") {
  test::RunningRuntime running(2);
  for (int i = 0; i < test::rounds(200); ++i) {
    auto listener = std::make_unique<Listener>(running);
    test::Countdown armed, ended;
    std::atomic<int> error{0};
    test::StepTask acceptor(
        running.scheduler(),
        [&](test::StepTask& me) {
          sockaddr_storage peer;
          socklen_t peer_size = 0;
          const auto fd = listener->socket.accept(peer, peer_size);
          if (fd.would_block() && arm(me, listener->socket, Interest::kRead)) {
            armed.count_down();
            return Next::kWait;
          }
          error = fd.error;
          return Next::kDone;
        },
        &ended);
    running.scheduler().spawn(acceptor);
    armed.wait();
    CHECK(listener->socket.wants_close_now());
    listener->socket.close(true);
    // The address can be bound again at once.
    base::UniqueFd again(tcp());
    CHECK(::bind(again.get(), listener->here.get(), listener->here.size) == 0);
    ended.wait();
    CHECK(error == EBADF);
    CHECK(listener->socket.fd() == -1);
    listener->socket.close(true);  // no effect
  }
}

TEST_CASE("a refused connection gives its error, to everybody who asks") {
  test::RunningRuntime running(2);
  net::Address nobody;
  {
    Listener listener(running);
    nobody = listener.here;
  }
  test::Countdown ended;
  Socket socket(running.reactor(), tcp());
  net::IoResult result, second;
  test::StepTask task(
      running.scheduler(),
      [&](test::StepTask& me) {
        result =
            me.stage++ == 0 ? socket.connect(nobody.get(), nobody.size) : socket.finish_connect();
        if (result.error == EINPROGRESS && arm(me, socket, Interest::kWrite)) return Next::kWait;
        second = socket.finish_connect();
        return Next::kDone;
      },
      &ended);
  running.scheduler().spawn(task);
  ended.wait();
  CHECK(result.error == ECONNREFUSED);
  CHECK(!second.ok());
  CHECK(second.error != EINPROGRESS);
}

TEST_CASE("a short read says that the socket is drained") {
  test::RunningRuntime running(1);
  test::Pair pair = test::make_socketpair();
  Socket socket(running.reactor(), pair.a.release());
  char buffer[4];
  CHECK(socket.receive(buffer, sizeof buffer, 0).would_block());
  CHECK(!socket.drained());
  REQUIRE(::write(pair.b.get(), "abcdef", 6) == 6);
  CHECK(socket.receive(buffer, sizeof buffer, MSG_PEEK).value == 4);
  CHECK(socket.receive(buffer, sizeof buffer, 0).value == 4);
  CHECK(!socket.drained());
  CHECK(socket.receive(buffer, sizeof buffer, MSG_PEEK).value == 2);
  CHECK(!socket.drained());
  CHECK(socket.receive(buffer, sizeof buffer, 0).value == 2);
  CHECK(socket.drained());
  pair.b.reset();
  CHECK(socket.receive(buffer, sizeof buffer, 0).value == 0);
  CHECK(!socket.drained());  // the end is readable for ever
  socket.close(false);
  CHECK(socket.receive(buffer, sizeof buffer, 0).error == EBADF);
  CHECK(socket.send(buffer, 1, 0).error == EBADF);
}

TEST_CASE("a released socket is the caller's, and who waits is woken") {
  test::RunningRuntime running(2);
  test::Pair pair = test::make_socketpair();
  const int fd = pair.a.get();
  Socket socket(running.reactor(), pair.a.release());
  test::Countdown armed, ended;
  test::StepTask task(
      running.scheduler(),
      [&](test::StepTask& me) {
        if (!arm(me, socket, Interest::kRead)) return Next::kDone;
        armed.count_down();
        return Next::kWait;
      },
      &ended);
  running.scheduler().spawn(task);
  armed.wait();
  CHECK(socket.release() == fd);
  ended.wait();
  CHECK(test::is_open(fd));
  CHECK(socket.release() == -1);
  ::close(fd);
}

// A number that is used again must never be reached through the old socket.
TEST_CASE(
    "a socket closed or released during system calls hits no other "
    "descriptor") {
  test::RunningRuntime running(2);
  for (int i = 0; i < test::rounds(400); ++i) {
    test::Pair pair = test::make_socketpair();
    const int fd = pair.a.get();
    Socket socket(running.reactor(), pair.a.release());
    std::atomic<bool> hit{false};
    int released = -1;
    test::parallelize(3, [&](int me) {
      if (me == 0) {
        for (int k = 0; k < i % 20; ++k) std::this_thread::yield();
        if (i % 2) {
          released = socket.release();
        } else {
          socket.close(i % 4 == 0);
        }
        // Whoever gets the number now has something to read.
        test::Pair other = test::make_socketpair();
        test::put(other.b.get());
        std::this_thread::yield();
        char c;
        if (::read(other.a.get(), &c, 1) != 1) hit = true;
      } else {
        char c;
        while (socket.fd() >= 0) {
          for (int k = 0; k < 5; ++k) {
            if (socket.receive(&c, 1, 0).ok()) hit = true;
          }
          std::this_thread::yield();
        }
      }
    });
    CHECK(!hit);
    if (i % 2) {
      CHECK(released == fd);
      CHECK(test::is_open(fd));
      ::close(fd);
    }
  }
}
