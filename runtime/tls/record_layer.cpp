#include "tls/record_layer.h"

#include <algorithm>

namespace tonio::tls {
namespace {

// HandshakeType (section 4).
constexpr unsigned char kNewSessionTicket = 4;
constexpr unsigned char kKeyUpdate = 24;
// KeyUpdateRequest (section 4.6.3).
constexpr unsigned char kUpdateNotRequested = 0;
constexpr unsigned char kUpdateRequested = 1;
constexpr std::size_t kAlertSize = 2;

}  // namespace

int RecordReceiver::read(std::span<unsigned char> buffer) {
  while (data_.empty()) {
    const int code = receive_record();
    if (code != 0) return code;
  }
  const auto part = data_.first(std::min(data_.size(), buffer.size()));
  std::ranges::copy(part, buffer.begin());
  data_ = data_.subspan(part.size());
  return static_cast<int>(part.size());
}

// Brings record_ to this size, or as far as the input goes.
int RecordReceiver::fill(std::size_t size) {
  if (record_.size() < size) record_.resize(size);
  while (filled_ < size) {
    const int code = receive_(object_, record_.data() + filled_, size - filled_);
    if (code == 0) return MBEDTLS_ERR_SSL_CONN_EOF;
    if (code < 0) return code;
    filled_ += static_cast<std::size_t>(code);
  }
  return 0;
}

int RecordReceiver::receive_record() {
  if (const int code = fill(kRecordHeaderSize); code != 0) return code;
  // Whatever is protected looks like application data; the version means
  // nothing (section 5.2).
  if (record_[0] != static_cast<unsigned char>(ContentType::kApplicationData))
    return refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  const std::size_t length = std::size_t{record_[3]} << 8 | record_[4];
  if (length > kMaxContent + kMaxExpansion)
    return refuse(MBEDTLS_ERR_SSL_INVALID_RECORD, MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW);
  if (const int code = fill(kRecordHeaderSize + length); code != 0) return code;
  filled_ = 0;
  RecordCipher::Failure failure{};
  const auto opened = cipher_.open(std::span(record_).first(kRecordHeaderSize + length), failure);
  if (!opened) {
    switch (failure) {
      case RecordCipher::Failure::kNotAuthentic:
        return refuse(MBEDTLS_ERR_SSL_INVALID_MAC, MBEDTLS_SSL_ALERT_MSG_BAD_RECORD_MAC);
      case RecordCipher::Failure::kTooLong:
        return refuse(MBEDTLS_ERR_SSL_INVALID_RECORD, MBEDTLS_SSL_ALERT_MSG_RECORD_OVERFLOW);
      case RecordCipher::Failure::kNoType:
        break;
    }
    return refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  }
  if (opened->type == static_cast<unsigned char>(ContentType::kHandshake))
    return handle_handshake(opened->content);
  // Nothing comes between the parts of a handshake message (section 5.1).
  if (message_size_ == 0 && to_skip_ == 0) {
    if (opened->type == static_cast<unsigned char>(ContentType::kAlert))
      return handle_alert(opened->content);
    if (opened->type == static_cast<unsigned char>(ContentType::kApplicationData)) {
      if (opened->content.empty()) return count_idle_message();
      data_ = opened->content;
      idle_messages_ = 0;
      return 0;
    }
  }
  return refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
}

int RecordReceiver::handle_handshake(std::span<const unsigned char> content) {
  if (content.empty())
    return refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  while (!content.empty()) {
    if (to_skip_ > 0) {
      const std::size_t skipped = std::min(to_skip_, content.size());
      content = content.subspan(skipped);
      to_skip_ -= skipped;
      continue;
    }
    message_[message_size_++] = content.front();
    content = content.subspan(1);
    if (message_size_ < kHandshakeHeaderSize) continue;
    const std::size_t length =
        std::size_t{message_[1]} << 16 | std::size_t{message_[2]} << 8 | message_[3];
    int code = 0;
    if (message_[0] == kNewSessionTicket && client_) {
      to_skip_ = length;
      message_size_ = 0;
      code = count_idle_message();
    } else if (message_[0] != kKeyUpdate) {
      code = refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
    } else if (length != 1) {
      code = refuse(MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
    } else if (message_size_ == message_.size()) {
      message_size_ = 0;
      code = handle_key_update(message_.back(), content.empty());
    }
    if (code != 0) return code;
  }
  return 0;
}

int RecordReceiver::handle_key_update(unsigned char request, bool ends_record) {
  if (request != kUpdateNotRequested && request != kUpdateRequested)
    return refuse(MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER);
  // What follows it is protected with the next key (section 5.1).
  if (!ends_record)
    return refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  cipher_.update();
  // Any number of requests before our next data have one answer.
  if (request == kUpdateRequested) update_requested_ = true;
  return count_idle_message();
}

int RecordReceiver::handle_alert(std::span<const unsigned char> content) {
  if (content.size() != kAlertSize)
    return refuse(MBEDTLS_ERR_SSL_DECODE_ERROR, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR);
  // The level means nothing: all but these two end the connection (section 6).
  switch (content[1]) {
    case MBEDTLS_SSL_ALERT_MSG_CLOSE_NOTIFY:
      return MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY;
    case MBEDTLS_SSL_ALERT_MSG_USER_CANCELED:
      return count_idle_message();
    default:
      alert_ = content[1];
      return MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE;
  }
}

int RecordReceiver::count_idle_message() {
  ++idle_messages_;
  if (!flooded()) return 0;
  return refuse(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
}

int RecordReceiver::refuse(int code, unsigned char alert) {
  refuses_ = true;
  alert_ = alert;
  return code;
}

int RecordSender::send_record(ContentType type, std::span<const unsigned char> content) {
  record_.clear();
  cipher_.seal(type, content, record_);
  const int code = send_(object_, record_.data(), record_.size());
  return code < 0 ? code : 0;
}

int RecordSender::write(std::span<const unsigned char> data) {
  const auto part = data.first(std::min(data.size(), max_content_));
  const int code = send_record(ContentType::kApplicationData, part);
  return code != 0 ? code : static_cast<int>(part.size());
}

int RecordSender::send_alert(unsigned char level, unsigned char description) {
  return send_record(ContentType::kAlert, std::array{level, description});
}

int RecordSender::update_key(bool request) {
  const int code = send_record(ContentType::kHandshake,
                               std::array<unsigned char, 5>{kKeyUpdate, 0, 0, 1, request});
  if (code == 0) cipher_.update();
  return code;
}

}  // namespace tonio::tls
