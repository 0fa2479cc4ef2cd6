// A non-blocking socket whose operations either finish at once or say what to wait
// for. Thread-safe: any number of tasks and threads may use one at the same time.
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/mutex.h"
#include "reactor/registration.h"

namespace tonio::reactor {
class Reactor;
}

namespace tonio::net {

// What a system call came to: its result, or the errno.
struct IoResult {
  ssize_t value = -1;
  int error = 0;

  bool ok() const { return error == 0; }
  // Nothing was done; wait for readiness and try again.
  bool would_block() const;
};

class Socket {
 public:
  // Takes over `fd`, which is non-blocking.
  Socket(reactor::Reactor& reactor, int fd) : reactor_(reactor), fd_(fd) {}
  // Closes it if nobody has.
  ~Socket();
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  // -1 once closed or released.
  int fd() const {
    return uses_.load(std::memory_order_acquire) & kClosed ? -1
                                                           : fd_.load(std::memory_order_acquire);
  }

  // Keeps the descriptor's number from being given to somebody else while a system call is
  // made with it: a socket that is closed meanwhile gives it up when the last use ends.
  class Use {
   public:
    explicit Use(Socket& socket);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

    // -1 when the socket is closed.
    int fd() const { return fd_; }

   private:
    Socket& socket_;
    int fd_ = -1;
  };

  // One non-blocking system call each, repeated after EINTR. EBADF when closed.
  IoResult receive(void* buffer, std::size_t size, int flags);
  // Into the second buffer what does not fit in the first.
  IoResult receive(void* buffer, std::size_t size, void* rest, std::size_t rest_size);
  // With the sender's address; `peer_size` is 0 when there is none.
  IoResult receive_from(void* buffer, std::size_t size, int flags, sockaddr_storage& peer,
                        socklen_t& peer_size);
  IoResult receive_message(msghdr& message, int flags);
  IoResult send(const void* data, std::size_t size, int flags);
  IoResult send_to(const void* data, std::size_t size, int flags, const sockaddr* address,
                   socklen_t address_size);
  IoResult send_message(const msghdr& message, int flags);
  // From a file (sendfile(2)); moves `offset`.
  IoResult send_file(int file, off_t& offset, std::size_t size);
  // The new descriptor is non-blocking and closed on exec (accept4(2)).
  IoResult accept(sockaddr_storage& peer, socklen_t& peer_size);
  // EINPROGRESS while it goes on: wait for writability, then ask finish_connect().
  IoResult connect(const sockaddr* address, socklen_t size);
  // 0, or why the connection failed (SO_ERROR).
  IoResult finish_connect();

  // Puts an arming task in line for readiness. 0, or errno's value when that is not possible.
  [[nodiscard]] int wait(reactor::Interest interest, task::Waiter& waiter);
  // By a resumed task that readiness has not woken.
  void cancel_wait(reactor::Interest interest, task::Waiter& waiter);

  // Whether the last receive() has emptied the socket for all we know: a short read.
  // Then waiting at once saves a system call that would say EAGAIN; data that has come meanwhile
  // ends the wait.
  bool drained() const { return drained_.load(std::memory_order_relaxed); }

  // Wakes who waits, with EBADF. With `now` the descriptor is closed when this returns;
  // the caller is detached then, because system calls that are being made with it must
  // end first. No effect the second time.
  void close(bool now);
  // Whether close() should happen now: so that the address of a listening or unconnected
  // socket is free again when the program goes on.
  bool wants_close_now();
  // Gives the descriptor away, -1 if it is closed.
  int release();

 private:
  static constexpr std::uint32_t kClosed = 1, kOneUse = 2;

  template <typename Call>
  IoResult repeat(Call&& call);
  void note_whether_drained(const IoResult& received, std::size_t size);
  // Sets kClosed. False when it was set already.
  bool begin_close(reactor::Registration*& registration);
  void give_up_descriptor();

  reactor::Reactor& reactor_;
  // -1 once given up.
  std::atomic<int> fd_;
  // Uses under way, times kOneUse, and whether it is closed. Whoever ends the last use of
  // a closed socket gives the descriptor up.
  std::atomic<std::uint32_t> uses_{0};
  std::atomic<bool> drained_{false};

  // Guards the making of registration_, which then stays until the end, against closing.
  base::Mutex mutex_;
  std::atomic<reactor::Registration*> registration_{nullptr};
};

}  // namespace tonio::net
