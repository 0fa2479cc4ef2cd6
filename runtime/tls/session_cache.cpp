#include "tls/session_cache.h"

#include <algorithm>
#include <utility>

namespace tonio::tls {

void SessionCache::put(std::string_view server, Session session) {
  const std::lock_guard lock(mutex_);
  entries_.push_front({std::string(server), std::move(session)});
  if (entries_.size() > kCapacity) entries_.pop_back();
}

std::optional<Session> SessionCache::take(std::string_view server) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(entries_, server, &Entry::server);
  if (found == entries_.end()) return std::nullopt;
  std::optional<Session> session = std::move(found->session);
  entries_.erase(found);
  return session;
}

}  // namespace tonio::tls
