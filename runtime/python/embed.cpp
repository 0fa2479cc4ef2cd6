#include "python/embed.h"

#include <algorithm>

#include "python/deadlock.h"
#include "python/host.h"
#include "python/module.h"
#include "python/package_importer.h"
#include "python/run.h"
#include "python/thread_wait.h"

namespace tonio::python {

bool register_builtin() {
  remember_first_threads();
  Host::create();
  return PyImport_AppendInittab("_tonio", init_module) == 0;
}

bool install(const HostOptions& options) {
  Host::instance().options = options;
  remember_main_thread();
  return install_package_importer();
}

bool start() { return Host::instance().ensure_started(); }

PyObject* declared_entrypoint() { return declared_entrypoint_object(); }

PyObject* run(PyObject* awaitable) { return run_awaitable(awaitable, RunOptions(), true); }

void shutdown(std::vector<std::string>& left, const std::function<void()>& report) {
  Host::instance().shut_down(left, report);
}

std::chrono::milliseconds leaving_timeout() {
  constexpr std::chrono::milliseconds kLeast = std::chrono::seconds(5);
  return std::max(kLeast, std::chrono::duration_cast<std::chrono::milliseconds>(
                              Host::instance().options.shutdown_timeout));
}

}  // namespace tonio::python
