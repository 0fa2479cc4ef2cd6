// What each thread that may run tasks keeps for itself.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/intrusive_list.h"
#include "python/owner_drops.h"
#include "python/py.h"
#include "python/result_carrier.h"
#include "task/task.h"

namespace tonio::python {

class CoroTask;

// Tasks that somebody ends and looks at together, apart from all others: those of one test,
// say. A task is of the group of the task that has spawned it.
using TaskGroup = std::uint32_t;
inline constexpr TaskGroup kNoGroup = 0;

// What a task takes over from its spawner.
struct Origin {
  TaskGroup group;
  std::uint32_t era;  // Host::era
  bool cleaning_up;   // it is waited for at the end of a run, and not asked to end
};

struct ThreadContext : base::ListHook {
  PyThreadState* thread_state = nullptr;  // made by the thread itself
  // The ob_tid of what it makes, if it is a worker; see Host::give_to_owner.
  std::uintptr_t owner_id = _Py_UNOWNED_TID;

  // Own thread only.
  task::TaskList free_tasks;
  CoroTask* current = nullptr;   // the task that runs
  PyObject* awaiting = nullptr;  // the operation that has just suspended it (borrowed)
  unsigned budget = 0;           // operations until the task has to give way
  OwnerDrops drops;
  ResultCarrier results;
  std::unique_ptr<char[]> receive_buffer;  // of socket_receive.cpp

  // Tasks begun and ended here; written by the own thread, summed up by others.
  std::atomic<std::uint64_t> begun{0};
  std::atomic<std::uint64_t> ended{0};
};

// Null on threads that aren't the runtime's.
extern constinit thread_local ThreadContext* this_thread;

// The task that runs on this thread, or null.
inline CoroTask* current_task() { return this_thread ? this_thread->current : nullptr; }

}  // namespace tonio::python
