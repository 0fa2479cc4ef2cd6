// A task's coroutines belong to the worker that runs it, so they are looked at while the
// world is stopped: every other thread is at a safe point or detached. Until it goes on,
// nothing here may make a Python object (the heaps are being walked), run Python code or
// take a lock that a stopped thread may hold; that leaves references to what is there,
// which are made into text afterwards.
#include "python/task_dump.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

#include "python/driven.h"
#include "python/entry.h"
#include "python/host.h"
#include "python/join.h"
#include "python/scope.h"
#include "python/scope_wait.h"
#include "python/spawn_site.h"

// The layout of frames. CPython has no other way to a frame that makes no object.
#define Py_BUILD_CORE 1
extern "C" {
#include "internal/pycore_frame.h"
}
#undef Py_BUILD_CORE

namespace tonio::python {
namespace {

// As deep as a stack is shown.
constexpr std::size_t kMostFrames = 200;

struct Frame {
  Ref code;
  int instruction;  // byte offset into the code
};

struct Seen {
  Ref name;          // of the outermost coroutine; or nothing
  std::string type;  // of what runs, where that has no name
  const char* state = "ready";
  std::string waits_on;  // or empty
  SpawnSite site;
  std::vector<Frame> stack;  // the outermost first
  bool of_run = false;
  TaskGroup group = kNoGroup;
  std::uint64_t scope = 0;           // whose child it is; 0: none
  std::vector<std::uint64_t> hosts;  // the scopes that it is in or waits for
};

void add_frame(_PyInterpreterFrame* frame, std::vector<Frame>& stack) {
  if (stack.size() >= kMostFrames) return;
  stack.push_back({Ref::steal(PyUnstable_InterpreterFrame_GetCode(frame)),
                   PyUnstable_InterpreterFrame_GetLasti(frame)});
}

// `object` and what it awaits, as long as that is suspended.
void add_suspended(PyObject* object, std::vector<Frame>& stack) {
  while (object && stack.size() < kMostFrames) {
    PyGenObject* generator = as_generator(object);
    if (!generator) {
      object = driven_by(object);
      if (!object) return;
      continue;
    }
    if (generator->gi_frame_state >= FRAME_COMPLETED) return;
    auto* frame = reinterpret_cast<_PyInterpreterFrame*>(generator->gi_iframe);
    add_frame(frame, stack);
    if (generator->gi_frame_state != FRAME_SUSPENDED_YIELD_FROM) return;
    object = _PyFrame_StackPeek(frame);
  }
}

// What a thread runs.
void add_running(const ThreadContext& thread, std::vector<Frame>& stack) {
  std::vector<Frame> frames;
  for (_PyInterpreterFrame* frame = thread.thread_state->current_frame; frame;
       frame = frame->previous) {
    if (!_PyFrame_IsIncomplete(frame)) add_frame(frame, frames);
  }
  while (!frames.empty()) {
    stack.push_back(std::move(frames.back()));
    frames.pop_back();
  }
}

}  // namespace

// Looks into the tasks; all of it while the world is stopped.
class TaskLook {
 public:
  static std::vector<Seen> all() {
    std::vector<Seen> found;
    const auto runners = find_runners();
    Host::instance().for_each_task([&](CoroTask& task) {
      if (task.state().ended() || !task.join_) return;
      const auto runner = runners.find(&task);
      found.push_back(look_at(task, runner == runners.end() ? nullptr : runner->second));
    });
    return found;
  }

  static Standstill standstill() {
    Standstill result;
    Host::instance().for_each_task([&](CoroTask& task) {
      if (task.state().ended()) return;
      ++result.tasks;
      result.complete = result.complete && waits_for_program(task);
    });
    result.other_threads = count_thread_states() != 1 + count_threads();
    return result;
  }

 private:
  using Runners = std::unordered_map<const CoroTask*, const ThreadContext*>;

  static Runners find_runners() {
    Runners runners;
    Host::instance().for_each_thread([&](const ThreadContext& thread) {
      if (thread.current && thread.thread_state) runners[thread.current] = &thread;
    });
    return runners;
  }

  static std::size_t count_threads() {
    std::size_t threads = 0;
    Host::instance().for_each_thread([&](const ThreadContext&) { ++threads; });
    return threads;
  }

  // The list's lock is held by who has stopped the world, so PyThreadState_Next() would wait
  // for ever. A thread has its state before it starts.
  static std::size_t count_thread_states() {
    std::size_t states = 0;
    const PyThreadState* state = PyInterpreterState_ThreadHead(PyInterpreterState_Main());
    for (; state; state = state->next) ++states;
    return states;
  }

  // Its coroutine has ended; its children have not.
  static bool awaits_children(const CoroTask& task) { return !task.top_ && task.left_scopes_; }

  static bool waits_for_program(const CoroTask& task) {
    if (!task.state().suspended()) return false;
    if (awaits_children(task)) return true;
    return task.operation_ &&
           reinterpret_cast<Operation*>(task.operation_)->kind->waits_for_program;
  }

  static Seen look_at(CoroTask& task, const ThreadContext* runner) {
    Seen seen;
    PyObject* outermost = task.outermost();
    if (PyGenObject* generator = outermost ? as_generator(outermost) : nullptr) {
      seen.name = Ref::borrow(generator->gi_qualname);
    } else if (outermost) {
      seen.type = Py_TYPE(outermost)->tp_name;
    }
    if (runner) {
      seen.state = "running";
    } else if (task.state().suspended()) {
      seen.state = "suspended";
      if (task.operation_) {
        seen.waits_on = Py_TYPE(task.operation_)->tp_name;
      } else if (awaits_children(task)) {
        seen.waits_on = "tonio.scope";
      }
    }
    add_stack(task, runner, seen.stack);
    seen.site = task.join_->site().copy();
    seen.of_run = task.join_->of_run();
    seen.group = task.group();
    if (PyObject* scope = task.join_->scope()) seen.scope = scope_core(scope).id();
    seen.hosts = task.scopes();
    if (task.operation_) {
      if (auto* scope = awaited_scope(task.operation_)) seen.hosts.push_back(scope->id());
    }
    for (PyObject* left = task.left_scopes_; left; left = next_left_scope(left)) {
      seen.hosts.push_back(scope_core(left).id());
    }
    return seen;
  }

  static void add_stack(const CoroTask& task, const ThreadContext* runner,
                        std::vector<Frame>& stack) {
    if (task.callers_) {
      for (PyObject* caller : *task.callers_) add_suspended(caller, stack);
    }
    const std::size_t callers = stack.size();
    if (runner) add_running(*runner, stack);
    // It may be in the runtime's own code, between two of its steps.
    if (task.top_ && stack.size() == callers) add_suspended(task.top_, stack);
  }
};

namespace {

// Calls `look` while the world is stopped. Throws std::bad_alloc when `look` does, once the world
// goes on.
template <typename Look>
void with_stopped_world(Look&& look) {
  struct Visit {
    Look& look;
    bool done = false;
    bool no_memory = false;
  } visit{look};
  PyUnstable_GC_VisitObjects(
      [](PyObject*, void* argument) {
        auto* self = static_cast<Visit*>(argument);
        if (std::exchange(self->done, true)) return 0;
        try {
          self->look();
        } catch (const std::bad_alloc&) {
          self->no_memory = true;
        }
        return 0;
      },
      &visit);
  if (visit.no_memory) throw std::bad_alloc();
}

PyObject* stack_of(const Seen& seen) {
  Ref stack = Ref::steal(PyList_New(0));
  for (const Frame& frame : seen.stack) {
    if (!stack) return nullptr;
    if (!frame.code || !PyCode_Check(frame.code.get())) continue;
    auto* code = reinterpret_cast<PyCodeObject*>(frame.code.get());
    Ref entry = Ref::steal(Py_BuildValue(
        "(OiO)", code->co_filename, PyCode_Addr2Line(code, frame.instruction), code->co_qualname));
    if (!entry || PyList_Append(stack.get(), entry.get()) != 0) return nullptr;
  }
  return stack.release();
}

PyObject* hosts_of(const Seen& seen) {
  Ref hosts = Ref::steal(PyList_New(0));
  for (const std::uint64_t id : seen.hosts) {
    Ref number = Ref::steal(PyLong_FromUnsignedLongLong(id));
    if (!hosts || !number || PyList_Append(hosts.get(), number.get()) != 0) return nullptr;
  }
  return hosts.release();
}

PyObject* describe(const Seen& seen) {
  Ref name = seen.name ? Ref::borrow(seen.name.get())
                       : Ref::steal(PyUnicode_FromString(seen.type.c_str()));
  Ref stack = Ref::steal(stack_of(seen));
  Ref hosts = Ref::steal(stack ? hosts_of(seen) : nullptr);
  if (!name || !hosts) return nullptr;
  const std::string place = seen.site.describe();
  return Py_BuildValue("(OszzOKOOI)", name.get(), seen.state,
                       seen.waits_on.empty() ? nullptr : seen.waits_on.c_str(),
                       place.empty() ? nullptr : place.c_str(), stack.get(),
                       static_cast<unsigned long long>(seen.scope), hosts.get(),
                       seen.of_run ? Py_True : Py_False, seen.group);
}

PyObject* look_at_tasks(PyObject*, PyObject*) {
  std::vector<Seen> found;
  with_stopped_world([&] { found = TaskLook::all(); });
  Ref list = Ref::steal(PyList_New(0));
  for (const Seen& seen : found) {
    Ref entry = Ref::steal(list ? describe(seen) : nullptr);
    if (!entry || PyList_Append(list.get(), entry.get()) != 0) return nullptr;
  }
  return list.release();
}

PyMethodDef functions[] = {
    {"look_at_tasks", as_cfunction<look_at_tasks>(), METH_NOARGS,
     PyDoc_STR("look_at_tasks($module, /)\n--\n\n"
               "For each task: name, state, what it waits on, where it was spawned, stack, the "
               "scope that it is a child of, the scopes that it hosts, whether it is a run's own, "
               "its group.")},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

Standstill look_for_standstill() {
  Standstill result;
  with_stopped_world([&] { result = TaskLook::standstill(); });
  return result;
}

bool dump_tasks(const char* title) {
  Ref module = Ref::steal(PyImport_ImportModule("tonio._tasks"));
  if (module && Ref::steal(PyObject_CallMethod(module.get(), "dump", "s", title))) return true;
  if (!PyErr_ExceptionMatches(PyExc_Exception)) return false;
  PyErr_WriteUnraisable(nullptr);
  return true;
}

bool init_task_dump(PyObject* module) { return PyModule_AddFunctions(module, functions) == 0; }

}  // namespace tonio::python
