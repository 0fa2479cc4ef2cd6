// In place of runtime/base/atomic.h: atomics of the explorer.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <source_location>

#include "explorer.h"

namespace tonio::base {

template <typename T>
class Atomic {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  using Where = std::source_location;
  using Order = std::memory_order;
  static constexpr Order kSeqCst = std::memory_order_seq_cst;

 public:
  Atomic(T value = T()) : at_(memory().add(encode(value), views())) {}  // NOLINT: as std::atomic
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(Order order = kSeqCst, Where where = Where::current()) const {
    point(false, order, where, "loads");
    const std::size_t time =
        explorer().choose_store(memory().oldest(at_, order, views()), memory().newest(at_));
    return noted(memory().load(at_, time, order, views()));
  }

  void store(T value, Order order = kSeqCst, Where where = Where::current()) {
    point(true, order, where, "stores");
    explorer().note(encode(value));
    memory().store(at_, encode(value), order, views());
  }

  T exchange(T value, Order order = kSeqCst, Where where = Where::current()) {
    return replace([&](T) { return value; }, order, where, "exchanges, had");
  }
  T fetch_add(T by, Order order = kSeqCst, Where where = Where::current()) {
    return replace([&](T old) { return static_cast<T>(old + by); }, order, where, "adds to");
  }
  T fetch_sub(T by, Order order = kSeqCst, Where where = Where::current()) {
    return replace([&](T old) { return static_cast<T>(old - by); }, order, where, "subtracts from");
  }
  T fetch_and(T by, Order order = kSeqCst, Where where = Where::current()) {
    return replace([&](T old) { return static_cast<T>(old & by); }, order, where, "ands");
  }
  T fetch_or(T by, Order order = kSeqCst, Where where = Where::current()) {
    return replace([&](T old) { return static_cast<T>(old | by); }, order, where, "ors");
  }

  bool compare_exchange_strong(T& expected, T desired, Order success, Order failure,
                               Where where = Where::current()) {
    point(true, success, where, "compares and exchanges");
    // It succeeds on the newest store only; an older one that it may see makes it fail.
    const std::size_t newest = memory().newest(at_);
    std::size_t oldest = memory().oldest(at_, failure, views());
    for (std::size_t time = newest; time-- > oldest;) {
      if (memory().value(at_, time) == encode(expected)) oldest = time + 1;
    }
    const std::size_t time = explorer().choose_store(oldest, newest);
    explorer().note(memory().value(at_, time));
    if (memory().value(at_, time) == encode(expected)) {
      memory().exchange(at_, encode(desired), success, views());
      return true;
    }
    expected = decode(memory().load(at_, time, failure, views()));
    return false;
  }
  bool compare_exchange_weak(T& expected, T desired, Order success, Order failure,
                             Where where = Where::current()) {
    return compare_exchange_strong(expected, desired, success, failure, where);
  }

  model::Location location() const { return at_; }

 private:
  static model::Explorer& explorer() { return model::Explorer::current(); }
  static model::Memory& memory() { return explorer().memory(); }
  static model::ThreadViews& views() { return explorer().views(); }

  static std::uint64_t encode(T value) {
    std::uint64_t word = 0;
    std::memcpy(&word, &value, sizeof value);
    return word;
  }
  static T decode(std::uint64_t word) {
    T value;
    std::memcpy(&value, &word, sizeof value);
    return value;
  }
  static T noted(std::uint64_t word) {
    explorer().note(word);
    return decode(word);
  }

  void point(bool writes, Order order, Where where, const char* what) const {
    explorer().point({at_, writes, false, order == kSeqCst}, where, what);
  }

  template <typename Change>
  T replace(Change&& change, Order order, Where where, const char* what) {
    point(true, order, where, what);
    const T old = decode(memory().value(at_, memory().newest(at_)));
    return noted(memory().exchange(at_, encode(change(old)), order, views()));
  }

  const model::Location at_;
};

inline void atomic_fence(std::memory_order order,
                         std::source_location where = std::source_location::current()) {
  model::Explorer& explorer = model::Explorer::current();
  const bool consistent = order == std::memory_order_seq_cst;
  explorer.point({model::Access::kNone, false, true, consistent}, where, "fences");
  explorer.memory().fence(order, explorer.views());
}

}  // namespace tonio::base
