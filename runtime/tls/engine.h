// One TLS connection without its transport: bytes in, bytes out (sans-I/O).
//
// What the peer sent goes in through add_input() (and end_input() at the end of
// its stream); each call works on what there is, and leaves in the output what
// is to be sent. TLS 1.2 (RFC 5246) and TLS 1.3 (RFC 8446).
//
// Where there is no memory a call throws std::bad_alloc, and the connection has mostly failed: of
// what came, or was to go out, something is lost.
//
// Not thread-safe: its user has a lock. Engines that share a Config share no
// lock that is held for long.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tls/config.h"

namespace tonio::tls {

using Bytes = std::vector<unsigned char>;

class Engine {
 public:
  enum class Status {
    kDone,
    kNeedInput,  // again, when there is more input
    kClosed,     // the peer has said close_notify: nothing more will come
    kTruncated,  // the input ended without one: what came may be incomplete
    kFailed,     // error() tells why; the output may hold an alert for the peer
  };

  // `server_hostname`: a client's peer, an ASCII DNS name (sent as SNI) or an
  // address, or empty. Null, with the reason in words, when it is needed or not
  // usable.
  static std::unique_ptr<Engine> make(std::shared_ptr<const Config> config,
                                      const std::string& server_hostname, std::string& error);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void add_input(std::span<const unsigned char> data);
  void end_input();

  // Before anything is read or written. kDone from then on.
  Status handshake();
  // At most `buffer.size()` bytes, from as many records as are there; `size`
  // says how many, and is not 0 with kDone.
  Status read(std::span<unsigned char> buffer, std::size_t& size);
  // Everything, into the output. kFailed after close().
  Status write(std::span<const unsigned char> data);
  // Says close_notify, once, if the handshake is over and nothing has failed.
  void close();

  bool has_output() const;
  // Exchanges the output with `into`, which is empty.
  void take_output(Bytes& into);

  // In words, with kFailed and kTruncated.
  const std::string& error() const;

  // After the handshake. "TLSv1.3", the ciphers' IANA names, no protocol when
  // none was agreed.
  bool handshake_done() const;
  std::string_view version() const;
  std::string cipher() const;
  std::string_view alpn() const;
  // DER, empty when the peer has sent none.
  std::string_view peer_certificate() const;
  // Whether the handshake has resumed an earlier session.
  bool resumed() const;

 private:
  struct Parts;
  explicit Engine(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace tonio::tls
