#include "memory.h"

#include "base/check.h"

namespace tonio::model {
namespace {

bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}
bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

}  // namespace

Location Memory::add(std::uint64_t value, ThreadViews& thread) {
  TONIO_CHECK(used_ < kMaxLocations);
  histories_[used_].push_back({value, thread.now});
  return used_++;
}

void Memory::clear() {
  while (used_ > 0) histories_[--used_].clear();
  consistent_ = View();
}

std::size_t Memory::oldest(Location at, std::memory_order order, const ThreadViews& thread) const {
  const std::uint16_t seen = thread.now[at];
  return order == std::memory_order_seq_cst ? std::max(seen, consistent_[at]) : seen;
}

std::uint64_t Memory::load(Location at, std::size_t time, std::memory_order order,
                           ThreadViews& thread) {
  const Store& store = histories_[at][time];
  thread.now.raise(at, static_cast<std::uint16_t>(time));
  (acquires(order) ? thread.now : thread.pending).join(store.carried);
  return store.value;
}

void Memory::append(Location at, std::uint64_t value, std::memory_order order, ThreadViews& thread,
                    bool continues) {
  std::vector<Store>& history = histories_[at];
  const auto time = static_cast<std::uint16_t>(history.size());
  TONIO_CHECK(history.size() < 0xffff);
  thread.now.raise(at, time);
  if (order == std::memory_order_seq_cst) consistent_.raise(at, time);
  history.push_back({value, releases(order) ? thread.now : thread.released});
  Store& store = history.back();
  store.carried.raise(at, time);
  if (continues) store.carried.join(history[time - 1].carried);
}

void Memory::store(Location at, std::uint64_t value, std::memory_order order, ThreadViews& thread) {
  append(at, value, order, thread, false);
}

std::uint64_t Memory::exchange(Location at, std::uint64_t value, std::memory_order order,
                               ThreadViews& thread) {
  const std::uint64_t before = load(at, newest(at), order, thread);
  // It goes on with the release sequence of what it replaces.
  append(at, value, order, thread, true);
  return before;
}

void Memory::fence(std::memory_order order, ThreadViews& thread) {
  if (acquires(order)) thread.now.join(thread.pending);
  if (order == std::memory_order_seq_cst) {
    thread.now.join(consistent_);
    consistent_.join(thread.now);
  }
  if (releases(order)) thread.released = thread.now;
}

bool Memory::own(Location at, ThreadViews& thread) {
  const bool ordered = thread.now[at] == newest(at);
  append(at, 0, std::memory_order_relaxed, thread, false);
  return ordered;
}

}  // namespace tonio::model
