// Drops references to what other threads of the runtime have made.
//
// Reference counts are biased towards the thread that has made an object (PEP 703): when another
// thread drops the last reference, CPython hands the object back to the owner under a lock and
// interrupts it, for each object. A worker that ends many coroutines of a colleague's hands them
// back in batches instead, and the colleague takes them between two steps, or when it spawns.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "python/py.h"

namespace tonio::python {

// One per thread of the runtime.
class OwnerDrops {
 public:
  static constexpr std::size_t kBatch = 64;

  OwnerDrops() = default;
  OwnerDrops(const OwnerDrops&) = delete;
  OwnerDrops& operator=(const OwnerDrops&) = delete;

  // Drops a reference: now, or, to a coroutine or generator that has ended, with a batch; what
  // else there is may hold things that are waited for. By the thread itself, attached.
  void drop(PyObject* object) {
    if (_Py_IsOwnedByCurrentThread(object)) [[likely]] {
      Py_DECREF(object);
    } else {
      drop_of_another(object);
    }
  }

  // Hands over what batches are not full yet. By the thread itself, attached, now and then and
  // before it waits: its colleagues' objects would wait as long. Whether anything was handed over
  // since the last time, which who sleeps has to be woken for.
  bool flush() {
    if (waiting_ > 0) hand_over_all();
    return std::exchange(handed_over_, false);
  }

  // Takes over references to objects of this thread. Any thread, while this one can't end. False
  // where there is no memory for that.
  [[nodiscard]] bool receive(std::span<PyObject*> objects);

  // Whether something has been received and not been dropped. Any thread.
  bool has_received() const { return has_received_.load(std::memory_order_relaxed); }

  // Drops that. By the thread itself, attached, where any code may run.
  void drop_received();

 private:
  struct Batch {
    std::uintptr_t owner = 0;  // as _Py_ThreadId() gives it
    std::size_t size = 0;
    std::array<PyObject*, kBatch> objects;
  };

  void drop_of_another(PyObject* object);
  Batch& batch_of(std::uintptr_t owner);
  void hand_over(Batch& batch);
  void hand_over_all();

  // One for each colleague of a small crew; in a larger one some share.
  static constexpr std::size_t kBatches = 4;

  std::array<Batch, kBatches> batches_;
  std::size_t waiting_ = 0;  // in all batches
  std::size_t next_ = 0;     // the batch that the next new owner gets
  bool handed_over_ = false;
  base::Guarded<std::vector<PyObject*>> received_;
  std::atomic<bool> has_received_{false};
};

}  // namespace tonio::python
