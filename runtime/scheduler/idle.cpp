#include "scheduler/idle.h"

#include <algorithm>

#include "base/check.h"
#include "base/stress.h"

namespace tonio::scheduler {

Idle::Idle(unsigned workers) : workers_(workers), state_(workers * kUnparked) {
  TONIO_CHECK(workers >= 1 && workers < 0xffff);
  sleepers_.lock()->reserve(workers);
}

bool Idle::wants_notify() const {
  // The fence orders the caller's push before this load (see the header).
  base::atomic_fence(std::memory_order_seq_cst);
  const std::uint32_t state = state_.load(std::memory_order_relaxed);
  base::stress_point();
  return searching(state) == 0 && unparked(state) < workers_;
}

std::optional<unsigned> Idle::worker_to_notify() {
  if (!wants_notify()) return std::nullopt;
  auto sleepers = sleepers_.lock();
  const std::uint32_t state = state_.load(std::memory_order_seq_cst);
  if (searching(state) != 0 || sleepers->empty()) return std::nullopt;
  const unsigned worker = sleepers->back();
  sleepers->pop_back();
  state_.fetch_add(kSearcher + kUnparked, std::memory_order_seq_cst);
  return worker;
}

bool Idle::begin_searching() {
  const std::uint32_t state = state_.load(std::memory_order_seq_cst);
  if (2 * searching(state) >= workers_) return false;
  state_.fetch_add(kSearcher, std::memory_order_seq_cst);
  return true;
}

bool Idle::end_searching() {
  base::stress_point();
  return searching(state_.fetch_sub(kSearcher, std::memory_order_seq_cst)) == 1;
}

bool Idle::park(unsigned worker, bool was_searching) {
  auto sleepers = sleepers_.lock();
  sleepers->push_back(worker);
  const std::uint32_t change = kUnparked + (was_searching ? kSearcher : 0);
  const std::uint32_t before = state_.fetch_sub(change, std::memory_order_seq_cst);
  const bool nobody_searches = searching(before - change) == 0;
  // Orders the change before the caller's last look for work; pairs with the fence in
  // wants_notify().
  if (nobody_searches) base::atomic_fence(std::memory_order_seq_cst);
  return nobody_searches;
}

bool Idle::unpark(unsigned worker) {
  auto sleepers = sleepers_.lock();
  const auto found = std::find(sleepers->begin(), sleepers->end(), worker);
  if (found == sleepers->end()) return false;
  sleepers->erase(found);
  state_.fetch_add(kUnparked, std::memory_order_seq_cst);
  return true;
}

bool Idle::parked(unsigned worker) {
  auto sleepers = sleepers_.lock();
  return std::find(sleepers->begin(), sleepers->end(), worker) != sleepers->end();
}

}  // namespace tonio::scheduler
