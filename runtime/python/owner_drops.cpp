#include "python/owner_drops.h"

#include <new>

#include "python/host.h"

namespace tonio::python {

void OwnerDrops::drop_of_another(PyObject* object) {
  const auto owner = std::atomic_ref(object->ob_tid).load(std::memory_order_relaxed);
  const bool is_coroutine = PyCoro_CheckExact(object) || PyGen_CheckExact(object);
  // Merged counts have no owner, and what somebody else refers to is not freed anyway.
  if (!is_coroutine || owner == _Py_UNOWNED_TID || Py_REFCNT(object) != 1) return Py_DECREF(object);
  Batch& batch = batch_of(owner);
  batch.objects[batch.size++] = object;
  ++waiting_;
  if (batch.size == kBatch) hand_over(batch);
}

OwnerDrops::Batch& OwnerDrops::batch_of(std::uintptr_t owner) {
  for (Batch& batch : batches_) {
    if (batch.owner == owner) return batch;
  }
  next_ = (next_ + 1) % kBatches;
  hand_over(batches_[next_]);
  batches_[next_].owner = owner;
  return batches_[next_];
}

void OwnerDrops::hand_over_all() {
  for (Batch& batch : batches_) hand_over(batch);
}

void OwnerDrops::hand_over(Batch& batch) {
  if (batch.size == 0) return;
  const std::span objects(batch.objects.data(), std::exchange(batch.size, 0));
  waiting_ -= objects.size();
  handed_over_ = true;
  if (Host::instance().give_to_owner(batch.owner, objects)) return;
  // It is none of ours, or has ended, or there is no memory for it: CPython finds out. Weak
  // references may run code here, but no task, which alone would drop the next one into this batch.
  for (PyObject* object : objects) Py_DECREF(object);
}

bool OwnerDrops::receive(std::span<PyObject*> objects) {
  auto received = received_.lock();
  try {
    received->insert(received->end(), objects.begin(), objects.end());
  } catch (const std::bad_alloc&) {
    return false;
  }
  has_received_.store(true, std::memory_order_relaxed);
  return true;
}

void OwnerDrops::drop_received() {
  std::vector<PyObject*> objects;
  {
    auto received = received_.lock();
    objects.swap(*received);
    has_received_.store(false, std::memory_order_relaxed);
  }
  for (PyObject* object : objects) Py_DECREF(object);
}

}  // namespace tonio::python
