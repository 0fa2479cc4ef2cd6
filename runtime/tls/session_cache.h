// A client's sessions to resume, by the server's name. Thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tonio::tls {

struct Session {
  std::vector<unsigned char> state;  // as mbedtls_ssl_session_save() gives it
  std::string peer_certificate;      // DER, which a resumed handshake does not bring again
};

class SessionCache {
 public:
  void put(std::string_view server, Session session);

  // The newest one, which is taken out: a ticket that is used twice would show
  // an onlooker that both connections are one client's (RFC 8446, appendix
  // C.4).
  std::optional<Session> take(std::string_view server);

 private:
  struct Entry {
    std::string server;
    Session session;
  };
  // Servers send a few tickets per connection; programs talk to a few servers.
  static constexpr std::size_t kCapacity = 64;

  std::mutex mutex_;
  std::list<Entry> entries_;  // newest first; guarded by mutex_
};

}  // namespace tonio::tls
