// What a thread may see of memory: the C++20 memory model as a machine.
//
// Every atomic object keeps all values that were ever stored, in modification order. Each
// thread has a *view*: for every object the oldest store that it may still read. A load
// may give any store that is not older than the view; a release store carries the
// storing thread's view, and who reads it with acquire joins it. So a relaxed load, or one
// that nothing orders, may give what was overwritten long ago, as it may on hardware with
// store buffers, and more than x86 would do. Sequentially consistent operations and fences
// go through one more view that all threads share.
//
// The machine is the one of "A promising semantics for relaxed-memory concurrency" (Kang
// et al., POPL 2017) without its promises. Not covered: a load that gives a value which is
// stored later (load buffering), and a plain store that comes into modification order
// before a store of another thread that has happened already. Exchanges always read the
// newest store, as the standard has it; weak ones don't fail for nothing.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tonio::model {

using Location = unsigned;
inline constexpr Location kMaxLocations = 112;

class View {
 public:
  std::uint16_t operator[](Location at) const { return times_[at]; }
  void raise(Location at, std::uint16_t time) { times_[at] = std::max(times_[at], time); }
  void join(const View& other) {
    for (Location at = 0; at < kMaxLocations; ++at) {
      times_[at] = std::max(times_[at], other.times_[at]);
    }
  }

 private:
  std::array<std::uint16_t, kMaxLocations> times_{};
};

struct ThreadViews {
  View now;
  View released;  // `now` at the last release fence: what relaxed stores carry
  View pending;   // what relaxed loads have read: for the next acquire fence
};

class Memory {
 public:
  // Forgets all objects, and keeps the room that they had.
  void clear();
  // A new object; its first value is seen by who knows of the object.
  Location add(std::uint64_t value, ThreadViews& thread);

  // The stores that a load may give are those from oldest() to newest().
  std::size_t oldest(Location at, std::memory_order order, const ThreadViews& thread) const;
  std::size_t newest(Location at) const { return histories_[at].size() - 1; }
  std::uint64_t value(Location at, std::size_t time) const { return histories_[at][time].value; }

  std::uint64_t load(Location at, std::size_t time, std::memory_order order, ThreadViews& thread);
  void store(Location at, std::uint64_t value, std::memory_order order, ThreadViews& thread);
  // Replaces the newest value; gives what it was.
  std::uint64_t exchange(Location at, std::uint64_t value, std::memory_order order,
                         ThreadViews& thread);
  void fence(std::memory_order order, ThreadViews& thread);

  // Plain data with one owner at a time: false when the last access does not happen
  // before this one.
  bool own(Location at, ThreadViews& thread);

 private:
  struct Store {
    std::uint64_t value;
    View carried;
  };

  void append(Location at, std::uint64_t value, std::memory_order order, ThreadViews& thread,
              bool continues);

  std::vector<std::vector<Store>> histories_ = std::vector<std::vector<Store>>(kMaxLocations);
  Location used_ = 0;
  View consistent_;  // of sequentially consistent operations and fences
};

}  // namespace tonio::model
