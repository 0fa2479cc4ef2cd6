#include "python/spawn_batch.h"

#include <bit>
#include <limits>
#include <new>
#include <utility>

#include "base/check.h"
#include "python/coro_task.h"
#include "python/host.h"
#include "python/names.h"
#include "python/shared_coroutine.h"

namespace tonio::python {

SpawnBatch::SpawnBatch(task::Waker& waker, Ref iterators, Join& join, Ref context,
                       const Origin& origin)
    : SpawnBatch(waker,
                 std::make_shared<Spawned>(std::move(iterators), join, std::move(context), origin),
                 Range{0, 0}, false) {
  TONIO_CHECK(spawned_->count() <= std::numeric_limits<std::uint32_t>::max());
  range_.store({0, static_cast<std::uint32_t>(spawned_->count())}, std::memory_order_relaxed);
}

SpawnBatch::SpawnBatch(task::Waker& waker, std::shared_ptr<Spawned> spawned, Range range,
                       bool has_list)
    : Task(waker), waker_(waker), spawned_(std::move(spawned)), range_(range), has_list_(has_list) {
  static_assert(std::atomic<Range>::is_always_lock_free);
}

// It counts as a task itself, so that nobody takes the end of those it has made for the end of
// all.
void SpawnBatch::count_in() {
  Host::instance().count_begun();
  state().begin();
}

void SpawnBatch::schedule() {
  count_in();
  scheduler::Scheduler& scheduler = Host::instance().scheduler();
  if (is_large()) return scheduler.spawn_large(*this);
  // As a list, which colleagues are told of: it is more than one task.
  task::TaskList batch;
  batch.push_back(*this);
  scheduler.spawn(batch);
}

task::Task::Outcome SpawnBatch::run() {
  Host& host = Host::instance();
  scheduler::Worker& worker = *scheduler::Scheduler::current();
  if (is_large() && !worker.is_on_turn(*this)) return Outcome::kToBacklog;
  if (!has_list_.load(std::memory_order_relaxed)) {
    // Not when it is made: by now the caller may have freed a list just as large, that of the
    // coroutines, whose memory this one then gets.
    spawned_->join.make_list(spawned_->count());
    has_list_.store(true, std::memory_order_release);
  }
  const bool alone = host.scheduler().workers() == 1;
  if (is_large() || alone) {
    run_first_steps(worker, alone);
  } else {
    begin_all();
  }
  const Range left = range_.load(std::memory_order_relaxed);
  if (left.begin < left.end) return is_large() ? Outcome::kToBacklog : Outcome::kGaveWay;
  worker.end_turn();
  host.count_ended();
  delete this;
  return Outcome::kGone;
}

task::Task* SpawnBatch::split() {
  // Until then what it makes could end before there is a list for its result.
  if (!has_list_.load(std::memory_order_acquire)) return nullptr;
  Range range = range_.load(std::memory_order_relaxed);
  if (range.begin >= range.end) return nullptr;
  // Before anything is taken out; without memory it stays in one piece.
  std::unique_ptr<SpawnBatch> part(new (std::nothrow)
                                       SpawnBatch(waker_, spawned_, Range{0, 0}, true));
  while (part && range.begin < range.end) {
    const std::uint32_t middle = range.begin + (range.end - range.begin) / 2;
    if (range_.compare_exchange_weak(range, {range.begin, middle}, std::memory_order_acq_rel)) {
      part->range_.store({middle, range.end}, std::memory_order_relaxed);
      part->count_in();
      return part.release();
    }
  }
  return nullptr;
}

std::optional<std::uint32_t> SpawnBatch::take(bool alone) {
  Range range = range_.load(std::memory_order_relaxed);
  for (;;) {
    if (range.begin >= range.end) return std::nullopt;
    const Range left{range.begin + 1, range.end};
    if (alone) {
      range_.store(left, std::memory_order_relaxed);
      return range.begin;
    }
    if (range_.compare_exchange_weak(range, left, std::memory_order_acq_rel)) return range.begin;
  }
}

void SpawnBatch::run_first_steps(scheduler::Worker& worker, bool alone) {
  const base::Instant until = base::now() + kTurn;
  for (std::size_t begun = 1; begun <= kAtOnce; ++begun) {
    const std::optional<std::uint32_t> number = take(alone);
    if (!number) return;
    CoroTask* task = begin(*number);
    // What goes on is where colleagues find it, should the next step be a long one.
    if (task && task->run() == Outcome::kGaveWay) worker.push_ready(*task);
    // A large spawn of its own: that branch first, then the next one.
    if (worker.has_nested_spawn()) return;
    // Looked at often only where it may turn out that steps are long, and colleagues or other
    // spawns wait.
    const bool look = begun % kLookAtClock == 0 || (is_large() && std::has_single_bit(begun));
    if (look && base::now() >= until) return;
  }
}

void SpawnBatch::begin_all() {
  task::TaskList ready;
  while (const std::optional<std::uint32_t> number = take(true)) {
    if (CoroTask* task = begin(*number)) ready.push_back(*task);
  }
  Host::instance().scheduler().spawn(ready);
}

CoroTask* SpawnBatch::begin(std::uint32_t number) {
  CoroTask* task = nullptr;
  try {
    task = &Host::instance().take_task();
  } catch (const std::bad_alloc&) {
    fail(number);
    return nullptr;
  }
  // A copy that can't be made leaves the task in its worker's context.
  PyObject* context = spawned_->context ? PyContext_Copy(spawned_->context.get()) : nullptr;
  if (spawned_->context && !context) PyErr_WriteUnraisable(spawned_->context.get());
  PyObject*& slot = PyTuple_GET_ITEM(spawned_->iterators.get(), static_cast<Py_ssize_t>(number));
  task->begin(std::exchange(slot, Py_None), spawned_->join, number, context, spawned_->origin);
  // It could not be asked with the others: then its first step never runs.
  if (task->is_to_end()) (void)task->ask_to_end(task->state().generation());
  return task;
}

// As a task that was cancelled before it has begun, but with a MemoryError.
void SpawnBatch::fail(std::uint32_t number) {
  PyObject*& slot = PyTuple_GET_ITEM(spawned_->iterators.get(), static_cast<Py_ssize_t>(number));
  Ref iterator = Ref::steal(std::exchange(slot, Py_None));
  PyErr_NoMemory();
  keep_outcome(iterator.get(), nullptr, spawned_->join.yielded());
  PyObject* error = PyErr_GetRaisedException();
  if (!Ref::steal(PyObject_CallMethodNoArgs(iterator.get(), names::close))) PyErr_Clear();
  iterator.reset();
  PyErr_SetRaisedException(error);
  spawned_->join.fail();
}

}  // namespace tonio::python
