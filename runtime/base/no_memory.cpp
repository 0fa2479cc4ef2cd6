#include "base/no_memory.h"

#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>

namespace tonio::base {
namespace {

std::terminate_handler otherwise = nullptr;

[[noreturn]] void end() {
  try {
    if (const std::exception_ptr thrown = std::current_exception()) std::rethrow_exception(thrown);
  } catch (const std::bad_alloc&) {
    end_without_memory();
  } catch (...) {
  }
  otherwise();
  std::abort();
}

}  // namespace

void end_without_memory() {
  constexpr std::string_view kLine =
      "tonio: out of memory, where no call can raise MemoryError: the process ends\n";
  // Without a buffer, which would need memory.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine.data(), kLine.size());
  std::abort();
}

void explain_lack_of_memory() { otherwise = std::set_terminate(end); }

}  // namespace tonio::base
