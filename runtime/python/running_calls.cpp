#include "python/running_calls.h"

#include <utility>

#include "base/guarded.h"
#include "python/blocking_call_object.h"
#include "python/errors.h"
#include "python/host.h"
#include "python/names.h"

namespace tonio::python {
namespace {

base::Guarded<base::IntrusiveList<RunningCall>>& running_calls() {
  static auto* calls = new base::Guarded<base::IntrusiveList<RunningCall>>();
  return *calls;
}

// Whether half of the call's time is over, and it has not heard of its end.
bool is_late(const BlockingCall& call, base::Instant now) {
  const base::Instant asked = call.asked_at.load();
  return call.on_cancel == OnCancel::kInterrupt && asked != base::kNever && !call.heard.load() &&
         now - asked >= Host::instance().grace() / 2;
}

// One that runs, or nothing. `attached`: its thread is, so that nobody can stop the world.
Ref find_late_call(bool& attached) {
  Ref late;
  const base::Instant now = base::now();
  running_calls().lock()->for_each([&](RunningCall& running) {
    if (late || running.call.settled.load() || !is_late(running.call, now)) return;
    late = Ref::borrow(as_object(running.call));
    constexpr int kAttached = 1;  // _Py_THREAD_ATTACHED
    attached = _Py_atomic_load_int_relaxed(&running.thread->state) == kAttached;
  });
  return late;
}

template <typename Predicate>
std::size_t count_running(Predicate&& is_wanted) {
  std::size_t count = 0;
  running_calls().lock()->for_each(
      [&](const RunningCall& running) { count += is_wanted(running.call) ? 1 : 0; });
  return count;
}

bool is_in_time(const BlockingCall& call, base::Instant now) {
  const base::Instant asked = call.asked_at.load();
  return asked == base::kNever || now - asked < Host::instance().grace();
}

// What settles one that runs.
bool is_abandoned(const BlockingCall& call) { return call.settled.load(); }

}  // namespace

void add_running_call(RunningCall& call) { running_calls().lock()->push_back(call); }
void remove_running_call(RunningCall& call) { running_calls().lock()->remove(call); }

void abandon_late_calls() {
  bool attached = false;
  while (Ref late = find_late_call(attached)) {
    if (attached) PyGC_Disable();
    PyErr_SetNone(cancelled_error);
    Ref error = Ref::steal(PyErr_GetRaisedException());
    Ref nothing;
    BlockingCall& call = *as_call(late.get());
    if (settle(call, nothing, error)) call.done.set();
  }
}

std::size_t abandoned_calls(TaskGroup group) {
  return count_running(
      [&](const BlockingCall& call) { return is_abandoned(call) && call.group.load() == group; });
}

std::size_t calls_in_time(std::optional<TaskGroup> group) {
  const base::Instant now = base::now();
  return count_running([&](const BlockingCall& call) {
    // At the end of all tasks, only one that is overdue waits for a call.
    const bool wanted =
        group ? is_abandoned(call) && call.group.load() == *group : call.waiters.load() == 0;
    return wanted && is_in_time(call, now);
  });
}

bool calls_run() { return !running_calls().lock()->empty(); }

void describe_blocking_calls(std::vector<std::string>& lines) {
  struct Running {
    Ref call, function;
  };
  std::vector<Running> calls;
  // The function as well: a call that ends drops it once it has left the list.
  running_calls().lock()->for_each([&](RunningCall& running) {
    calls.push_back({Ref::borrow(as_object(running.call)), Ref::borrow(running.call.function)});
  });
  for (const auto& [object, function] : calls) {
    const BlockingCall& call = *as_call(object.get());
    std::string line = "blocking call";
    Ref name = Ref::steal(function ? PyObject_GetAttr(function.get(), names::qualname) : nullptr);
    const char* text = name && PyUnicode_Check(name.get()) ? PyUnicode_AsUTF8(name.get()) : nullptr;
    PyErr_Clear();
    if (text) line += std::string(" of ") + text;
    const std::string place = call.site.describe();
    if (!place.empty()) line += ", spawned at " + place;
    lines.push_back(std::move(line));
  }
}

}  // namespace tonio::python
