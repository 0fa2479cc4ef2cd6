#include "tls/engine.h"

#include <mbedtls/ssl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "tls/config_parts.h"
#include "tls/library.h"
#include "tls/records.h"
#include "tls/verification.h"

namespace tonio::tls {
namespace {

// A peer that makes us answer (warnings, say) and does not read gets no more
// than this.
constexpr std::size_t kMaxUnaskedOutput = std::size_t{1024} * 1024;
// Buffers keep up to this much while they are empty.
constexpr std::size_t kKeptCapacity = 4096;
// Alerts (RFC 8446, section 6) that aren't encrypted.
constexpr unsigned char kPlainAlertSize = 2;

}  // namespace

struct Engine::Parts {
  Parts(std::shared_ptr<const Config> shared, const std::string& name, bool check_name)
      : config(std::move(shared)),
        server_name(name),
        verification(check_name ? name : ""),
        records(ssl, config->settings().side, {this, send, receive}) {
    mbedtls_ssl_set_verify(&ssl, Verification::check, &verification);
  }
  ~Parts() { mbedtls_ssl_free(&ssl); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  static mbedtls_ssl_context initialised() {
    mbedtls_ssl_context made;
    mbedtls_ssl_init(&made);
    return made;
  }
  // The transport.
  static int send(void* object, const unsigned char* data, std::size_t size);
  static int receive(void* object, unsigned char* data, std::size_t size);

  void offer_session();
  void keep_session();
  // How a call of mbedTLS that did not succeed goes on: again, or with a status
  // to return.
  bool again(int code, Status& status);
  // "Optional" accepts no certificate, not a bad one; mbedTLS accepts either.
  int refuse_bad_certificate();
  Status fail(int code);
  std::string reason(int code);
  // Input or output is lost, or is about to be: the connection has failed for good.
  void run_out() {
    stopped = Status::kFailed;
    error = "out of memory";  // short enough to need none
  }

  const std::shared_ptr<const Config> config;
  const std::string server_name;
  Verification verification;
  mbedtls_ssl_context ssl = initialised();
  Records records;
  Bytes input;
  std::size_t used = 0;  // of the input
  bool ended = false;    // no more input will come
  bool starved = false;  // mbedTLS wanted more input than there was
  Bytes output;
  bool writing = false;
  bool begun = false;  // the handshake
  bool done = false;   // the handshake
  bool full = false;   // with certificates: no session was resumed
  bool said_close = false;
  Status stopped = Status::kDone;  // or how reading has ended for good
  std::string error;
  std::string peer_certificate;
};

int Engine::Parts::send(void* object, const unsigned char* data, std::size_t size) {
  auto& self = *static_cast<Parts*>(object);
  if (!self.writing && self.output.size() > kMaxUnaskedOutput)
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  try {
    self.output.insert(self.output.end(), data, data + size);
  } catch (const std::bad_alloc&) {
    return MBEDTLS_ERR_SSL_ALLOC_FAILED;  // to C
  }
  return static_cast<int>(size);
}

int Engine::Parts::receive(void* object, unsigned char* data, std::size_t size) {
  auto& self = *static_cast<Parts*>(object);
  const std::size_t available = self.input.size() - self.used;
  if (available == 0) {
    self.starved = true;
    return self.ended ? 0 : MBEDTLS_ERR_SSL_WANT_READ;
  }
  size = std::min(size, available);
  std::memcpy(data, self.input.data() + self.used, size);
  self.used += size;
  return static_cast<int>(size);
}

// A session that does not fit (another version, say) is not worth an error, nor is a lack of memory
// for one, here and below.
void Engine::Parts::offer_session() try {
  if (config->settings().side != Side::kClient || server_name.empty()) return;
  std::optional<Session> found = config->parts().sessions.take(server_name);
  if (!found) return;
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  if (mbedtls_ssl_session_load(&session, found->state.data(), found->state.size()) == 0 &&
      mbedtls_ssl_set_session(&ssl, &session) == 0) {
    peer_certificate = std::move(found->peer_certificate);
  }
  mbedtls_ssl_session_free(&session);
} catch (const std::bad_alloc&) {
}

void Engine::Parts::keep_session() {
  if (config->settings().side != Side::kClient || server_name.empty()) return;
  mbedtls_ssl_session session;
  mbedtls_ssl_session_init(&session);
  if (mbedtls_ssl_get_session(&ssl, &session) == 0) {
    try {
      Session kept{{}, peer_certificate};
      std::size_t size = 0;
      (void)mbedtls_ssl_session_save(&session, nullptr, 0, &size);
      kept.state.resize(size);
      if (mbedtls_ssl_session_save(&session, kept.state.data(), size, &size) == 0) {
        config->parts().sessions.put(server_name, std::move(kept));
      }
    } catch (const std::bad_alloc&) {
    }
  }
  mbedtls_ssl_session_free(&session);
}

std::string Engine::Parts::reason(int code) {
  // mbedTLS has no other way to ask for these: the last record, its header and
  // its content.
  const unsigned char* record = ssl.MBEDTLS_PRIVATE(in_hdr);
  const unsigned char* message = ssl.MBEDTLS_PRIVATE(in_msg);
  const RecordReceiver* receiver = records.receiver();
  if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) {
    return "the peer refused: " + describe_alert(receiver ? receiver->alert() : message[1]);
  }
  // Some TLS 1.3 clients (mbedTLS's, too) send an alert before they begin to
  // encrypt.
  if (code == MBEDTLS_ERR_SSL_INVALID_MAC && !done && record[0] == MBEDTLS_SSL_MSG_ALERT &&
      record[3] == 0 && record[4] == kPlainAlertSize) {
    return "the peer refused: " + describe_alert(record[kRecordHeaderSize + 1]);
  }
  if (receiver && receiver->flooded()) return "the peer keeps sending messages without data";
  if (code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || code == MBEDTLS_ERR_SSL_BAD_CERTIFICATE) {
    const std::string reasons = verification.reasons(mbedtls_ssl_get_verify_result(&ssl));
    if (!reasons.empty()) return reasons;
  }
  if (code == MBEDTLS_ERR_SSL_CONN_EOF && !done) {
    return "the peer ended the connection during the handshake";
  }
  return describe_error(code);
}

int Engine::Parts::refuse_bad_certificate() {
  if (config->settings().verify != Verify::kOptional) return 0;
  constexpr std::uint32_t kNone = MBEDTLS_X509_BADCERT_MISSING | MBEDTLS_X509_BADCERT_SKIP_VERIFY;
  const std::uint32_t flags = mbedtls_ssl_get_verify_result(&ssl);
  // All bits: nothing has been verified yet.
  if (flags == 0xffffffff || (flags & ~kNone) == 0) return 0;
  mbedtls_ssl_send_alert_message(&ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                 MBEDTLS_SSL_ALERT_MSG_BAD_CERT);
  return MBEDTLS_ERR_X509_CERT_VERIFY_FAILED;
}

// Throws std::bad_alloc where that is the failure, or there is no memory for its text.
Engine::Status Engine::Parts::fail(int code) {
  run_out();
  error = reason(code);
  stopped = code == MBEDTLS_ERR_SSL_CONN_EOF ? Status::kTruncated : Status::kFailed;
  // mbedTLS leaves these to us: a client without a certificate, and one that has no group in common
  // with a server whose key is RSA.
  const bool without_group = code == MBEDTLS_ERR_SSL_HANDSHAKE_FAILURE &&
                             config->settings().side == Side::kServer &&
                             ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_KEY_EXCHANGE;
  if ((code == MBEDTLS_ERR_SSL_NO_CLIENT_CERTIFICATE || without_group) &&
      mbedtls_ssl_get_version_number(&ssl) == MBEDTLS_SSL_VERSION_TLS1_2) {
    mbedtls_ssl_send_alert_message(&ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
                                   MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE);
  }
  if (const RecordReceiver* receiver = records.receiver()) {
    if (receiver->refuses()) records.send_alert(MBEDTLS_SSL_ALERT_LEVEL_FATAL, receiver->alert());
  } else if (code == MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE && done) {
    records.send_alert(MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  }
  return stopped;
}

bool Engine::Parts::again(int code, Status& status) {
  switch (code) {
    case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
      keep_session();
      return true;
    case MBEDTLS_ERR_SSL_WANT_READ:
      // It says so, too, when it has set aside a message or ignored a warning.
      if (!std::exchange(starved, false)) return true;
      // An idle connection keeps no large buffer.
      if (input.capacity() > kKeptCapacity)
        input = {};
      else
        input.clear();
      used = 0;
      status = Status::kNeedInput;
      return false;
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      status = stopped = Status::kClosed;
      return false;
    case MBEDTLS_ERR_SSL_CONN_EOF:
      // mbedtls_ssl_read() gives 0 for the end and for records without data.
      if (done && !starved) return true;
      status = fail(code);
      return false;
    default:
      status = fail(code);
      return false;
  }
}

Engine::Engine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Engine::~Engine() = default;

std::unique_ptr<Engine> Engine::make(std::shared_ptr<const Config> config,
                                     const std::string& server_hostname, std::string& error) {
  const Settings& settings = config->settings();
  const bool client = settings.side == Side::kClient;
  const bool check_name = client && settings.check_hostname && settings.verify != Verify::kNone;
  // The root's dot (RFC 1034, section 3.1) is no part of what certificates and
  // SNI name.
  std::string name = client ? server_hostname : "";
  if (name.ends_with('.')) name.pop_back();
  if (check_name && name.empty()) {
    error = "a TLS client that checks host names needs server_hostname";
    return nullptr;
  }
  if (name.find('\0') != std::string::npos || name.size() > MBEDTLS_SSL_MAX_HOST_NAME_LEN) {
    error = "server_hostname is not a host name";
    return nullptr;
  }
  auto parts = std::make_unique<Parts>(std::move(config), name, check_name);
  int code = mbedtls_ssl_setup(&parts->ssl, &parts->config->parts().config);
  if (code == 0 && client) {
    // Addresses are not sent (RFC 6066, section 3); Verification checks them.
    const bool is_name = !name.empty() && !is_address(name);
    code = mbedtls_ssl_set_hostname(&parts->ssl, is_name ? name.c_str() : nullptr);
  }
  if (code != 0) {
    error = describe_error(code);
    return nullptr;
  }
  return std::unique_ptr<Engine>(new Engine(std::move(parts)));
}

void Engine::add_input(std::span<const unsigned char> data) {
  try {
    parts_->input.insert(parts_->input.end(), data.begin(), data.end());
  } catch (const std::bad_alloc&) {
    parts_->run_out();
    throw;
  }
}

void Engine::end_input() { parts_->ended = true; }

Engine::Status Engine::handshake() try {
  Parts& self = *parts_;
  if (self.done) return Status::kDone;
  if (self.stopped != Status::kDone) return self.stopped;
  if (!std::exchange(self.begun, true)) self.offer_session();
  Status status = Status::kDone;
  for (;;) {
    int code = 0;
    while (code == 0 && !mbedtls_ssl_is_handshake_over(&self.ssl)) {
      self.full |= self.ssl.MBEDTLS_PRIVATE(state) == MBEDTLS_SSL_SERVER_CERTIFICATE;
      code = mbedtls_ssl_handshake_step(&self.ssl);
      if (code == 0) code = self.refuse_bad_certificate();
    }
    // A TLS 1.3 server's tickets.
    if (code == 0) code = mbedtls_ssl_handshake(&self.ssl);
    if (code == 0) break;
    if (!self.again(code, status)) {
      if (status != Status::kClosed) return status;
      self.error = "the peer closed the connection during the handshake";
      return self.stopped = Status::kFailed;
    }
  }
  self.done = true;
  // Nothing may follow the Finished in its record: it was under the keys before (RFC 8446,
  // section 5.1).
  if (mbedtls_ssl_get_version_number(&self.ssl) == MBEDTLS_SSL_VERSION_TLS1_3 &&
      mbedtls_ssl_check_pending(&self.ssl)) {
    return self.fail(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
  }
  if (const mbedtls_x509_crt* peer = mbedtls_ssl_get_peer_cert(&self.ssl)) {
    self.peer_certificate = view(peer->raw);
  } else if (self.full) {
    self.peer_certificate.clear();
  }
  if (mbedtls_ssl_get_version_number(&self.ssl) == MBEDTLS_SSL_VERSION_TLS1_2) self.keep_session();
  return Status::kDone;
} catch (const std::bad_alloc&) {
  parts_->done = false;
  parts_->run_out();
  throw;
}

Engine::Status Engine::read(std::span<unsigned char> buffer, std::size_t& size) {
  Parts& self = *parts_;
  size = 0;
  Status status = self.stopped;
  try {
    while (size < buffer.size() && status == Status::kDone) {
      const int code = self.records.read(buffer.subspan(size));
      if (code > 0) {
        size += static_cast<std::size_t>(code);
      } else if (!self.again(code, status)) {
        break;
      }
    }
  } catch (const std::bad_alloc&) {
    self.run_out();
    // What was read before is given; the next call tells.
    if (size == 0) throw;
  }
  // What ended it is told by the next call.
  return size > 0 ? Status::kDone : status;
}

Engine::Status Engine::write(std::span<const unsigned char> data) {
  Parts& self = *parts_;
  if (self.stopped == Status::kFailed) return self.stopped;
  if (self.said_close && !data.empty()) {
    self.error = "nothing can be sent after the end";
    return Status::kFailed;
  }
  if (self.output.empty() && self.output.capacity() < data.size()) {
    // Records add 22 bytes or so to 16 KiB.
    self.output.reserve(data.size() + data.size() / 256 + 64);
  }
  self.writing = true;
  Status status = Status::kDone;
  try {
    while (!data.empty() && status == Status::kDone) {
      const int code = self.records.write(data);
      if (code > 0) {
        data = data.subspan(static_cast<std::size_t>(code));
      } else if (!self.again(code, status)) {
        break;
      }
    }
  } catch (const std::bad_alloc&) {
    self.writing = false;
    self.run_out();
    throw;
  }
  self.writing = false;
  return status;
}

void Engine::close() {
  Parts& self = *parts_;
  if (!self.done || self.stopped == Status::kFailed || std::exchange(self.said_close, true)) return;
  self.records.send_alert(MBEDTLS_SSL_ALERT_LEVEL_WARNING, MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY);
}

bool Engine::has_output() const { return !parts_->output.empty(); }

void Engine::take_output(Bytes& into) { into.swap(parts_->output); }

const std::string& Engine::error() const { return parts_->error; }
bool Engine::handshake_done() const { return parts_->done; }

std::string_view Engine::version() const { return mbedtls_ssl_get_version(&parts_->ssl); }

std::string Engine::cipher() const {
  const char* name = mbedtls_ssl_get_ciphersuite(&parts_->ssl);
  std::string text = name ? name : "";
  // mbedTLS writes TLS1-3-AES-128-GCM-SHA256 for TLS_AES_128_GCM_SHA256.
  if (text.starts_with("TLS1-3-")) text.replace(3, 3, "");
  std::ranges::replace(text, '-', '_');
  return text;
}

std::string_view Engine::alpn() const {
  const char* protocol = mbedtls_ssl_get_alpn_protocol(&parts_->ssl);
  return protocol ? protocol : "";
}

std::string_view Engine::peer_certificate() const { return parts_->peer_certificate; }
bool Engine::resumed() const { return parts_->done && !parts_->full; }

}  // namespace tonio::tls
