// Which workers sleep, and how many look for work.
//
// A worker is unparked (it runs or searches) or parked. Work that appears wakes one
// parked worker, but only while nobody searches: a searcher will find the work, and
// the last searcher that finds something wakes the next one. So wake-ups follow the
// work instead of stampeding.
//
// No wake-up is lost: who adds work makes it visible first and then looks at the
// counters; who parks changes the counters first and then, if nobody searches, looks
// once more for work: also one that did not search itself, because there were searchers
// enough, who have ended since. Both sides are sequentially consistent, so at least one
// of them sees the other.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/atomic.h"
#include "base/guarded.h"

namespace tonio::scheduler {

class Idle {
 public:
  explicit Idle(unsigned workers);

  // The worker to wake for new work, counted as unparked and searching from now on.
  // None when a searcher will find the work or nobody sleeps.
  std::optional<unsigned> worker_to_notify();

  // True: the caller may search, and counts as a searcher.
  [[nodiscard]] bool begin_searching();
  // True: it was the last searcher, and should notify another worker.
  [[nodiscard]] bool end_searching();

  // True: nobody searches any more, and the caller must look for work once more.
  [[nodiscard]] bool park(unsigned worker, bool searching);

  // A worker that woke by itself stops sleeping. False: it had been notified before.
  bool unpark(unsigned worker);
  bool parked(unsigned worker);

  // Cheap looks, sequentially consistent as the changes are.
  bool somebody_sleeps() const {
    return unparked(state_.load(std::memory_order_seq_cst)) < workers_;
  }
  bool somebody_runs() const { return unparked(state_.load(std::memory_order_seq_cst)) > 0; }

  // Calls `visit` with each parked worker; they stay parked as in with_parked().
  template <typename Visit>
  void for_each_parked(Visit&& visit) {
    auto sleepers = sleepers_.lock();
    for (const unsigned worker : *sleepers) visit(worker);
  }

  // Calls `visit` with one of the parked workers, if there is any. It stays parked, and
  // can't leave its park, until `visit` returns.
  template <typename Visit>
  void with_parked(Visit&& visit) {
    if (!somebody_sleeps()) return;
    auto sleepers = sleepers_.lock();
    if (!sleepers->empty()) visit(sleepers->back());
  }

 private:
  static constexpr std::uint32_t kSearcher = 1, kUnparked = 1u << 16;
  static std::uint32_t searching(std::uint32_t state) { return state & 0xffffu; }
  static std::uint32_t unparked(std::uint32_t state) { return state >> 16; }

  bool wants_notify() const;

  const unsigned workers_;
  // Searching workers in the low half, unparked ones in the high half. Changed by
  // who holds the lock, except for the searchers' own additions.
  base::Atomic<std::uint32_t> state_;
  base::Guarded<std::vector<unsigned>> sleepers_;
};

}  // namespace tonio::scheduler
