// The outcome of one spawn: the results of its tasks, and who waits for them.
//
// It belongs to its handle (what spawn() returns) and to its tasks together; the last
// of the two frees it. Failures that nobody has asked for by then are reported.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/guarded.h"
#include "python/failures.h"
#include "python/py.h"
#include "python/spawn_site.h"
#include "python/wake_target.h"
#include "sync/event.h"
#include "task/task.h"

namespace tonio::python {

class Join {
 public:
  enum class Shape {
    kSingle,     // one result, as it is
    kList,       // a list of results
    kNone,       // None once all have ended
    kUntracked,  // nobody will wait
    kChild,      // a child of a scope, which is told of its failure
    kRun,        // one result, and its exception as it is: tonio.run()
  };

  // For `tasks` tasks; owned by the handle and, unless there are none, the tasks. Throws
  // std::bad_alloc.
  static Join* make(Shape shape, std::size_t tasks, bool has_handle, SpawnSite site);

  // For kList, before the first of its `tasks` tasks begins: the list that they put their
  // results into. Where there is no memory for it, that is the failure, and results are
  // dropped. Attached.
  void make_list(std::size_t tasks);
  // For kChild, before the task begins.
  void set_scope(PyObject* scope) { scope_ = Ref::borrow(scope); }
  // Its coroutines come from a collection that was yielded: others may yield them, too.
  void set_yielded() { yielded_ = true; }
  bool yielded() const { return yielded_; }
  // Borrowed, or null.
  PyObject* scope() const { return scope_.get(); }
  // Instead of starting the tasks, when that fails. Attached.
  void discard() { delete this; }

  // By the task number `index`, once, attached. succeed() takes over `result`, fail()
  // the exception that is set.
  void succeed(std::size_t index, PyObject* result);
  void fail();

  // The event that is set when all tasks have ended.
  sync::Event& done() { return done_; }
  // Writes to this eventfd as well when that happens.
  void notify(int fd);

  // For kRun: the one task, before it is scheduled; and its cancellation, from any thread.
  void set_task(task::Task& task) { *task_.lock() = &task; }
  void cancel();

  // After done(): the result as a new reference, or null with the failure set. Each call
  // makes an exception of its own: raising one changes it, and several tasks may do so at
  // the same time.
  PyObject* outcome();
  // By a task that is about to fail(): it was cancelled because the run ends.
  void set_ended_with_run() { ended_with_run_.store(true, std::memory_order_relaxed); }
  // Once done() is set.
  bool ended_with_run() const { return ended_with_run_.load(std::memory_order_relaxed); }
  // Failures need no report: outcome() calls it, and who has another error to raise.
  void observe() { observed_.store(true, std::memory_order_relaxed); }
  // The handle is about to go: reports what nobody has asked for, if all have ended.
  void report_failures();
  // The handle is gone. Attached.
  void drop();

  bool of_run() const { return shape_ == Shape::kRun; }
  const SpawnSite& site() const { return site_; }

  // For the handle's slots of the same names.
  int traverse(visitproc visit, void* arg);
  void clear();

 private:
  Join(Shape shape, std::size_t tasks, SpawnSite site);
  ~Join();

  void end_task();
  Ref make_error();
  void report(PyObject* exception);
  void report_all();
  // Takes over the exception.
  void keep_failure(PyObject* exception);

  const Shape shape_;
  // Handle and tasks.
  std::atomic<unsigned> owners_{0};
  std::atomic<std::size_t> running_;
  std::atomic<bool> observed_{false};
  std::atomic<bool> ended_with_run_{false};
  WakeTarget outside_;
  base::Guarded<task::Task*> task_{nullptr};  // while it lives
  sync::Event done_;
  const SpawnSite site_;

  bool yielded_ = false;
  Ref scope_;  // whose child the task is

  // Each slot is written by its task, and read after done_.
  Ref result_;  // the result, or the list of them
  // Written by the tasks.
  Failures failures_;
};

// One whose tasks have not been started.
struct DiscardJoin {
  void operator()(Join* join) const { join->discard(); }
};
using NewJoin = std::unique_ptr<Join, DiscardJoin>;

// "a task failed and nobody awaited it" with traceback and place, on standard error or
// to the function that set_failure_hook() has been given.
void report_unawaited(const char* what, PyObject* exception, const SpawnSite& site);
// hook(what, exception, place or None) then gets such failures, on whatever thread. Null:
// they are written to standard error. Gives the one before. Attached; any thread.
Ref set_failure_hook(PyObject* hook);

}  // namespace tonio::python
