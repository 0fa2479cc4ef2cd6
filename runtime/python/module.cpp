#include "python/module.h"

#include "python/barrier.h"
#include "python/blocking.h"
#include "python/channel.h"
#include "python/entry.h"
#include "python/errors.h"
#include "python/event.h"
#include "python/io_registration.h"
#include "python/lock.h"
#include "python/manual_clock.h"
#include "python/names.h"
#include "python/run.h"
#include "python/run_signals.h"
#include "python/scope.h"
#include "python/semaphore.h"
#include "python/shared_coroutine.h"
#include "python/socket.h"
#include "python/socket_stream.h"
#include "python/spawn.h"
#include "python/suspending_call.h"
#include "python/task_dump.h"
#include "python/time.h"
#include "python/tls_context.h"
#include "python/tls_engine.h"
#include "python/unclosed.h"

namespace tonio::python {
namespace {

// Owned; written and read on the main thread, where scripts run.
PyObject* entrypoint = nullptr;

PyObject* declare_entrypoint(PyObject*, PyObject* function) {
  Py_XSETREF(entrypoint, Py_NewRef(function));
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"declare_entrypoint", as_cfunction<declare_entrypoint>(), METH_O,
     PyDoc_STR("declare_entrypoint($module, function, /)\n--\n\n"
               "What `tonio run` calls when the script has not run the runtime "
               "itself.")},
    {nullptr, nullptr, 0, nullptr},
};

int execute(PyObject* module) {
  const bool done = names::init() && init_errors(module) && init_shared_coroutine() &&
                    init_suspending_call(module) && init_spawn(module) && init_time(module) &&
                    init_manual_clock(module) && init_event(module) && init_blocking(module) &&
                    init_run(module) && init_run_signals(module) && init_scope(module) &&
                    init_task_dump(module) && init_socket(module) && init_socket_stream(module) &&
                    init_tls_context(module) && init_tls_engine(module) &&
                    init_io_registration(module) && init_lock(module) && init_semaphore(module) &&
                    init_barrier(module) && init_channel(module) && init_unclosed(module) &&
                    PyModule_AddFunctions(module, functions) == 0 &&
                    PyModule_AddStringConstant(module, "__version__", TONIO_VERSION) == 0;
  return done ? 0 : -1;
}

PyModuleDef_Slot slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(execute)},
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
    {0, nullptr},
};

PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    "_tonio",
    PyDoc_STR("The native part of tonio."),
    0,
    nullptr,
    slots,
    nullptr,
    nullptr,
    nullptr,
};

}  // namespace

PyObject* init_module() { return PyModuleDef_Init(&definition); }

PyObject* declared_entrypoint_object() { return Py_XNewRef(entrypoint); }

}  // namespace tonio::python
