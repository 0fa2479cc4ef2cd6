// Makes and keeps task objects of one type. An object is constructed once and then
// used for one task after the other; its state word tells whether one lives in it
// (TaskState::ended). Because its memory never becomes anything else, all tasks can
// be enumerated without any cost where they begin and end.
//
// Each thread takes from and gives back to a magazine of its own; the depot
// balances threads that only begin tasks with threads that only end them.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/guarded.h"
#include "task/task.h"

namespace tonio::task {

// T derives from Task and is constructible from a Waker&.
template <typename T>
class TaskPool {
 public:
  static constexpr std::size_t kSlabSize = 256;

  // Belongs to one thread. Flush it before that thread ends.
  using Magazine = TaskList;

  explicit TaskPool(Waker& waker) : waker_(waker) {}

  // An object whose task has ended, for the caller to begin a new one in. Throws std::bad_alloc.
  [[gnu::always_inline]] T& take(Magazine& magazine) {
    if (magazine.empty()) refill(magazine);
    return static_cast<T&>(*magazine.pop_front());
  }

  // The task in `object` has ended.
  void give_back(Magazine& magazine, T& object) {
    magazine.push_front(object);
    if (magazine.size() >= 2 * kSlabSize) spill(magazine, kSlabSize);
  }

  void flush(Magazine& magazine) {
    if (!magazine.empty()) spill(magazine, magazine.size());
  }

  // Every object, in use or not, while other threads go on: `visit` may touch the state
  // word, other atomics and what a lock guards, and a task may end and another begin under
  // its eyes.
  template <typename Visit>
  void for_each(Visit&& visit) {
    auto depot = depot_.lock();
    for (auto& slab : depot->slabs) {
      for (T& object : *slab) visit(object);
    }
  }

 private:
  // Constructed in place, never moved.
  class Slab {
   public:
    explicit Slab(Waker& waker) {
      for (; size_ < kSlabSize; ++size_) ::new (at(size_)) T(waker);
    }
    ~Slab() {
      while (size_ > 0) at(--size_)->~T();
    }
    T* begin() { return at(0); }
    T* end() { return at(kSlabSize); }

   private:
    T* at(std::size_t i) { return reinterpret_cast<T*>(storage_) + i; }

    std::size_t size_ = 0;
    alignas(T) unsigned char storage_[sizeof(T) * kSlabSize];
  };

  struct Depot {
    std::vector<std::unique_ptr<Slab>> slabs;
    // With room for as many as there are slabs: giving back needs no memory.
    std::vector<TaskList> batches;
    ~Depot() {
      for (TaskList& batch : batches) batch.clear();
    }
  };

  void refill(Magazine& magazine) {
    auto depot = depot_.lock();
    if (!depot->batches.empty()) {
      magazine.append(depot->batches.back());
      depot->batches.pop_back();
      return;
    }
    auto slab = std::make_unique<Slab>(waker_);
    if (depot->batches.capacity() <= depot->slabs.size()) {
      depot->batches.reserve(2 * depot->slabs.size() + 1);
    }
    depot->slabs.push_back(std::move(slab));
    for (T& object : *depot->slabs.back()) magazine.push_back(object);
  }

  void spill(Magazine& magazine, std::size_t count) {
    TaskList batch;
    batch.take_front(magazine, count);
    auto depot = depot_.lock();
    // Only flushing makes small ones, and so more of them than slabs.
    if (depot->batches.size() == depot->batches.capacity()) {
      depot->batches.back().append(batch);
    } else {
      depot->batches.push_back(std::move(batch));
    }
  }

  Waker& waker_;
  base::Guarded<Depot> depot_;
};

}  // namespace tonio::task
