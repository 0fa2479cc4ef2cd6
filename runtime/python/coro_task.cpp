#include "python/coro_task.h"

#include <algorithm>

#include "python/coroutine_claim.h"
#include "python/driven.h"
#include "python/errors.h"
#include "python/forked_child.h"
#include "python/host.h"
#include "python/join.h"
#include "python/names.h"
#include "python/scope.h"
#include "python/shared_coroutine.h"
#include "python/spawn.h"
#include "python/suspending_call.h"

namespace tonio::python {
namespace {

// PyIter_Send without a second look at what generators and coroutines are.
PySendResult send(PyObject* iterator, PyObject* value, PyObject*& out) {
  const PyAsyncMethods* async = Py_TYPE(iterator)->tp_as_async;
  return async && async->am_send ? async->am_send(iterator, value, &out)
                                 : PyIter_Send(iterator, value, &out);
}

// The same for an exception: throws the one that is set into `iterator`.
PySendResult throw_into(PyObject* iterator, PyObject*& out) {
  Ref exception = Ref::steal(PyErr_GetRaisedException());
  out = PyObject_CallMethodOneArg(iterator, names::throw_, exception.get());
  if (out) return PYGEN_NEXT;
  if (!PyErr_ExceptionMatches(PyExc_StopIteration)) {
    if (!PyErr_ExceptionMatches(PyExc_AttributeError)) return PYGEN_ERROR;
    // An iterator without throw() can't clean up: the exception goes past it.
    Ref missing = Ref::steal(PyErr_GetRaisedException());
    PyObject* method = nullptr;
    const int found = PyObject_GetOptionalAttr(iterator, names::throw_, &method);
    Py_XDECREF(method);
    PyErr_Clear();
    PyErr_SetRaisedException(found == 0 ? exception.release() : missing.release());
    return PYGEN_ERROR;
  }
  Ref stop = Ref::steal(PyErr_GetRaisedException());
  out = PyObject_GetAttr(stop.get(), names::value);
  return out ? PYGEN_RETURN : PYGEN_ERROR;
}

// Enters the task's context for one step and leaves it before anybody else may run
// the task.
class InContext {
 public:
  explicit InContext(PyObject* context) : context_(context) {
    if (context_ && PyContext_Enter(context_) != 0) {
      PyErr_WriteUnraisable(context_);
      context_ = nullptr;
    }
  }
  ~InContext() {
    if (!context_) return;
    PyObject* pending = PyErr_GetRaisedException();
    if (PyContext_Exit(context_) != 0) PyErr_WriteUnraisable(context_);
    PyErr_SetRaisedException(pending);
  }

 private:
  PyObject* context_;
};

}  // namespace

PyObject* drivable(PyObject* object, const char* doing) {
  object = without_suspending_call(object);
  if (PyGen_CheckExact(object) || PyCoro_CheckExact(object)) {
    return claim_coroutine(object) ? Py_NewRef(object) : await_shared(object);
  }
  if (is_operation(object)) return Py_NewRef(object);
  const PyAsyncMethods* async = Py_TYPE(object)->tp_as_async;
  if (async && async->am_await) {
    PyObject* iterator = async->am_await(object);
    if (!iterator) return nullptr;
    if (!claim_coroutine(iterator)) {
      PyObject* shared = await_shared(iterator);
      Py_DECREF(iterator);
      return shared;
    }
    if (!PyIter_Check(iterator)) {
      PyErr_Format(PyExc_TypeError, "__await__() of %T gave %T, which is no iterator", object,
                   iterator);
      Py_CLEAR(iterator);
    }
    return iterator;
  }
  const char* hint = "";
  if (PyCallable_Check(object)) hint = " (call the function to get one)";
  if (PyAsyncGen_CheckExact(object)) hint = " (in an `async def`, write `await` for `yield`)";
  if (object == Py_None) hint = " (as a function gives with `yield` in it, or with `async def`)";
  PyErr_Format(PyExc_TypeError, "%s a generator, a coroutine or another awaitable%s, not %R", doing,
               hint, object);
  return nullptr;
}

void CoroTask::begin(PyObject* iterator, Join& join, std::size_t index, PyObject* context,
                     const Origin& origin) {
  top_ = iterator;
  context_ = context;
  join_ = &join;
  index_ = index;
  has_run_ = false;
  ending_cancelled_ = false;
  forget_cancel();
  era_.store(origin.era, std::memory_order_relaxed);
  group_.store(origin.group, std::memory_order_relaxed);
  cleaning_up_.store(origin.cleaning_up, std::memory_order_relaxed);
  state().begin();
}

bool CoroTask::is_to_end() const {
  if (ends_with_run()) return true;
  const Host& host = Host::instance();
  return host.is_ending(group()) && !cleaning_up() && began_before(host.era.load());
}

// At the end of a run one task after the other is asked to end (EndOfTasks::ask_tasks), and this
// one may be yet to come: it is spared. The next round does not begin before it has ended.
bool CoroTask::end_with_run() {
  Host& host = Host::instance();
  if (!host.is_ending(group())) return false;
  // One that has begun since is asked in the next round.
  if (ends_with_run() || began_before(host.era.load())) spare();
  return true;
}

Origin CoroTask::origin() const {
  // What it spawns before it hears that it is to end is of before.
  const bool ends = state().has_heard_of_end() || cleaning_up();
  const std::atomic<std::uint32_t>& era = ends ? Host::instance().era : era_;
  return {group(), era.load(std::memory_order_relaxed), false};
}

Poll CoroTask::drive(PyObject* operation, PyObject*& result, bool& started) {
  if (operation_ == operation && started_op_) {
    started = true;
    return reinterpret_cast<Operation*>(operation)->kind->resume(operation, *this, result);
  }
  return begin_operation(operation, *this, result, started);
}

Poll CoroTask::drive_awaited(PyObject* operation, PyObject*& result) {
  // What is left over from a coroutine that was driven by hand and not yielded.
  if (this_thread->awaiting || operation_ != operation) abandon_operation();
  bool started = false;
  Poll poll;
  try {
    poll = drive(operation, result, started);
  } catch (const std::bad_alloc&) {
    poll = fail_without_memory(operation);
  }
  if (poll == Poll::kPending || poll == Poll::kGiveWay) {
    if (operation_ != operation) Py_XSETREF(operation_, Py_NewRef(operation));
    started_op_ = started;
    awaited_ = true;
  } else {
    Py_CLEAR(operation_);
  }
  return poll;
}

// There is none to start the operation, or go on with it: the task does not wait.
Poll CoroTask::fail_without_memory(PyObject* operation) {
  if (state().arming()) {
    const bool woken = state().cancel_arming();
    reinterpret_cast<Operation*>(operation)->kind->abandon(operation, *this, woken);
  }
  PyErr_NoMemory();
  return Poll::kError;
}

// Only a coroutine that was driven by hand leaves an operation behind that the task is
// not going to be resumed on.
void CoroTask::abandon_operation() {
  this_thread->awaiting = nullptr;
  if (!operation_) return;
  if (started_op_) {
    const bool woken = state().arming() ? state().cancel_arming() : true;
    reinterpret_cast<Operation*>(operation_)->kind->abandon(operation_, *this, woken);
  }
  PyObject* pending = PyErr_GetRaisedException();
  Py_CLEAR(operation_);
  PyErr_SetRaisedException(pending);
}

CoroTask::Step CoroTask::wait_on(PyObject* operation, Poll poll, bool awaited, bool started) {
  if (operation_ != operation) Py_XSETREF(operation_, Py_NewRef(operation));
  awaited_ = awaited;
  started_op_ = started;
  return poll == Poll::kGiveWay ? Step::kGiveWay : Step::kSuspend;
}

// What the innermost coroutine yielded. kEnd here means: go on, with `input` or, when
// `throwing`, with the exception that is set.
CoroTask::Step CoroTask::dispatch(PyObject* yielded, Ref& input, bool& throwing) try {
  ThreadContext& thread = *this_thread;
  if (thread.awaiting) {
    if (thread.awaiting == yielded) {
      thread.awaiting = nullptr;
      const Poll poll = state().arming() ? Poll::kPending : Poll::kGiveWay;
      return wait_on(yielded, poll, true, started_op_);
    }
  }
  if (operation_) abandon_operation();
  if (yielded == Py_None) return Step::kGiveWay;

  Ref made;
  if (PyList_CheckExact(yielded)) {
    made = Ref::steal(spawn_gathered(yielded, SpawnSite::of(top_)));
    if (!made) {
      throwing = true;
      return Step::kEnd;
    }
  } else if (PyAnySet_CheckExact(yielded)) {
    if (!spawn_background(yielded, SpawnSite::of(top_))) {
      throwing = true;
      return Step::kEnd;
    }
    return Step::kGiveWay;
  } else if (!is_operation(yielded)) {
    Claimed iterator(drivable(yielded, "a task can yield None (to give way), an operation,"));
    // Such as a future of asyncio, which yields itself.
    if (iterator && callers_ &&
        callers_->size() >= static_cast<std::size_t>(Py_GetRecursionLimit())) {
      iterator.reset();
      PyErr_SetString(PyExc_RecursionError,
                      "maximum depth of coroutines that yield each other exceeded");
    }
    if (!iterator) {
      throwing = true;
      return Step::kEnd;
    }
    push(std::move(iterator));
    input.reset();
    // What suspends by itself begins in any case, as where a coroutine is awaited: giving way
    // would let a cancellation come before a clean-up that holds it off.
    if (is_suspending_call(yielded)) return Step::kEnd;
    // A task whose coroutines never suspend gives way as well.
    if (thread.budget == 0) return Step::kGiveWay;
    --thread.budget;
    return Step::kEnd;
  }
  PyObject* operation = made ? made.get() : yielded;
  PyObject* result = nullptr;
  bool started = false;
  const Poll poll = begin_operation(operation, *this, result, started);
  switch (poll) {
    case Poll::kReady:
      input = Ref::steal(result);
      return Step::kEnd;
    case Poll::kError:
      throwing = true;
      return Step::kEnd;
    default:
      return wait_on(operation, poll, false, started);
  }
} catch (const std::bad_alloc&) {
  // Of what was yielded nothing has begun, unless it is an operation.
  (void)fail_without_memory(yielded);
  throwing = true;
  return Step::kEnd;
}

CoroTask::Step CoroTask::advance() {
  Ref input;  // none: None
  bool throwing = false;
  if (operation_ && !awaited_) {
    PyObject* result = nullptr;
    bool started = false;
    Poll poll;
    try {
      poll = drive(operation_, result, started);
    } catch (const std::bad_alloc&) {
      poll = fail_without_memory(operation_);
    }
    if (poll == Poll::kPending || poll == Poll::kGiveWay) {
      return wait_on(operation_, poll, false, started);
    }
    Py_CLEAR(operation_);
    throwing = poll == Poll::kError;
    if (!throwing) input = Ref::steal(result);
  } else if (!operation_ && state().cancel_requested() &&
             (has_run_ || !is_operation(top_))) {  // an operation sees to it itself
    (void)raise_cancelled(*this);
    throwing = true;
    if (!has_run_) {
      // Nothing of it has run, so nothing is to be cleaned up.
      keep_outcome_if_asked(nullptr);
      Ref cancelled = Ref::steal(PyErr_GetRaisedException());
      if (!Ref::steal(PyObject_CallMethodNoArgs(top_, names::close))) PyErr_Clear();
      pop();
      PyErr_SetRaisedException(cancelled.release());
      return Step::kEnd;
    }
  }
  has_run_ = true;

  for (;;) {
    PyObject* out = nullptr;
    const PySendResult sent =
        throwing ? throw_into(top_, out) : send(top_, input ? input.get() : Py_None, out);
    throwing = false;
    if (sent == PYGEN_NEXT) {
      if (out == Py_None && !operation_) return Step::kGiveWay;  // the most common by far
      Ref yielded = Ref::steal(out);
      const Step step = dispatch(out, input, throwing);
      if (step != Step::kEnd) return step;
      continue;
    }
    if (operation_) abandon_operation();
    if (sent == PYGEN_ERROR) [[unlikely]] {
      throwing = true;
      // Its end may run finalizers; the exception that ended it stays set.
      keep_outcome_if_asked(nullptr);
      PyObject* pending = PyErr_GetRaisedException();
      const bool called = pop();
      PyErr_SetRaisedException(pending);
      if (!called) return Step::kEnd;
    } else {
      input = Ref::steal(out);
      keep_outcome_if_asked(input.get());
      if (!pop()) {
        result_ = input.release();  // end() hands it over
        return Step::kEnd;
      }
    }
  }
}

// The innermost coroutine has ended, with the result or an exception that is set. Where
// the task has the only reference, nobody can ask for that again.
inline void CoroTask::keep_outcome_if_asked(PyObject* result) {
  if (Py_REFCNT(top_) == 1) [[likely]]
    return;
  const bool yielded = (callers_ && !callers_->empty()) || join_->yielded();
  keep_outcome(top_, result, yielded);
}

bool CoroTask::is_running(PyObject* coroutine) const {
  if (top_ == coroutine) return true;
  return callers_ && std::find(callers_->begin(), callers_->end(), coroutine) != callers_->end();
}

bool CoroTask::is_child_of(const PyObject* scope) const { return join_->scope() == scope; }

void CoroTask::push(Claimed iterator) {
  if (!callers_) callers_ = new std::vector<PyObject*>();
  callers_->push_back(top_);
  top_ = iterator.release();
}

bool CoroTask::pop() {
  this_thread->drops.drop(std::exchange(top_, nullptr));
  if (!callers_ || callers_->empty()) return false;
  top_ = callers_->back();
  callers_->pop_back();
  return true;
}

void CoroTask::wait_at_end(PyObject* scope) {
  PyObject* over = nullptr;
  // Most have been waited for since.
  for (PyObject** link = &left_scopes_; *link;) {
    PyObject* left = *link;
    if (!scope_core(left).over()) {
      link = &next_left_scope(left);
      continue;
    }
    *link = std::exchange(next_left_scope(left), over);
    over = left;
  }
  next_left_scope(scope) = std::exchange(left_scopes_, Py_NewRef(scope));
  // Last, as it may run any code.
  while (over) {
    const Ref left = Ref::steal(over);
    over = std::exchange(next_left_scope(over), nullptr);
    scope_is_over(left.get());
  }
}

void CoroTask::has_waited(PyObject* scope) {
  for (PyObject** link = &left_scopes_; *link; link = &next_left_scope(*link)) {
    if (*link != scope) continue;
    *link = std::exchange(next_left_scope(scope), nullptr);
    return Py_DECREF(scope);
  }
}

void CoroTask::note_cancel() {
  ending_cancelled_ = true;
  // In this order: a request that comes in between is taken note of again.
  state().deliver_cancel();
  cancel_left_scopes(cancel_target());
}

void CoroTask::cancel_left_scopes(std::uint64_t within) const {
  for (PyObject* left = left_scopes_; left; left = next_left_scope(left)) {
    task::CancelScope& scope = scope_core(left);
    if (scope.id() > within) scope.cancel(task::CancelScope::Ending::kSpare);
  }
}

// The outermost coroutine has ended; kEnd when all scopes that it has left are over.
CoroTask::Step CoroTask::await_children() {
  if (!result_ && !error_) {
    error_ = PyErr_GetRaisedException();
    cancel_left_scopes(task::CancelScope::kWholeTask);
  }
  while (left_scopes_) {
    task::CancelScope& scope = scope_core(left_scopes_);
    scope.cancel_wait(waiter());  // where it was resumed for another reason
    if (scope.over()) {
      const Ref left = Ref::steal(left_scopes_);
      left_scopes_ = std::exchange(next_left_scope(left.get()), nullptr);
      scope_is_over(left.get());
      continue;
    }
    if (state().cancel_requested() || !state().begin_arming()) {
      // Nobody is left to raise it in but the children.
      (void)deliver_cancel();
      cancel_left_scopes(task::CancelScope::kWholeTask);
      continue;
    }
    if (scope.wait(waiter())) return Step::kSuspend;
    (void)state().cancel_arming();
  }
  if (error_) PyErr_SetRaisedException(std::exchange(error_, nullptr));
  return Step::kEnd;
}

void CoroTask::end() {
  Join& join = *std::exchange(join_, nullptr);
  drop_scopes();
  const Ref scope = Ref::borrow(join.scope());
  Py_CLEAR(context_);
  delete std::exchange(callers_, nullptr);
  PyObject* result = std::exchange(result_, nullptr);
  if (result) {
    join.succeed(index_, result);
  } else {
    // These end the program from wherever they are raised.
    if (PyErr_ExceptionMatches(PyExc_SystemExit) ||
        PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) {
      Ref exception = Ref::steal(PyErr_GetRaisedException());
      Host::instance().abort_run(exception.get());
      PyErr_SetRaisedException(exception.release());
    }
    if (ends_with_run() && PyErr_ExceptionMatches(cancelled_error)) {
      join.set_ended_with_run();
      if (scope) scope_child_ended_with_run(scope.get());
    }
    join.fail();
  }
  if (scope) [[unlikely]]
    scope_core(scope.get()).remove_child(*this);
  Host::instance().give_back(*this);
}

task::Task::Outcome CoroTask::run() {
  ThreadContext& thread = *this_thread;
  if (thread.drops.has_received()) [[unlikely]] {
    thread.drops.drop_received();
    leave_if_forked();
  }
  thread.current = this;
  thread.budget = kBudget;
  for (;;) {
    Step step;
    {
      const InContext in_context(context_);
      step = left_scopes_ && (result_ || error_) ? Step::kEnd : advance();
      if (Host::instance().forked()) [[unlikely]] {
        // To give way is to go back, too.
        if (step != Step::kEnd) (void)Host::instance().check_running();
        leave_forked_child();
      }
      if (left_scopes_ && step == Step::kEnd) [[unlikely]]
        step = await_children();
    }
    if (step == Step::kSuspend) {
      thread.current = nullptr;
      // From here on the task may be running elsewhere.
      if (state().finish_arming()) return Outcome::kGone;
      // Woken where it stands, and there is no end of what may wake it so.
      if (thread.budget == 0) return Outcome::kGaveWay;
      --thread.budget;
      thread.current = this;
      continue;
    }
    thread.current = nullptr;
    if (step == Step::kGiveWay) return Outcome::kGaveWay;
    end();
    leave_if_forked();
    return Outcome::kGone;
  }
}

PyObject* CoroTask::outermost() const {
  PyObject* top = callers_ && !callers_->empty() ? callers_->front() : top_;
  PyObject* driven = top ? driven_by(top) : nullptr;
  return driven ? driven : top;
}

std::string CoroTask::describe() const {
  PyObject* coroutine = outermost();
  std::string line = "task ";
  Ref name = Ref::steal(coroutine ? PyObject_GetAttr(coroutine, names::qualname) : nullptr);
  const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : nullptr;
  PyErr_Clear();
  line += text ? text : "of an awaitable";
  const std::string place = join_ ? join_->site().describe() : "";
  if (!place.empty()) line += ", spawned at " + place;
  return line;
}

}  // namespace tonio::python
