#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <system_error>
#include <utility>

namespace tonio::base {
namespace {

constexpr std::array<std::pair<std::string_view, LogLevel>, 7> kNames{{
    {"trace", LogLevel::kTrace},
    {"debug", LogLevel::kDebug},
    {"info", LogLevel::kInfo},
    {"warn", LogLevel::kWarn},
    {"error", LogLevel::kError},
    {"critical", LogLevel::kCritical},
    {"off", LogLevel::kOff},
}};

spdlog::level::level_enum to_spdlog(LogLevel level) {
  static_assert(static_cast<int>(LogLevel::kOff) == static_cast<int>(SPDLOG_LEVEL_OFF));
  return static_cast<spdlog::level::level_enum>(level);
}

// Never destroyed: threads that would not stop may still log while the process ends.
std::shared_ptr<spdlog::logger>& logger() {
  static auto* instance = new std::shared_ptr<spdlog::logger>();
  return *instance;
}

// Why nothing can be written there. spdlog itself would make missing folders, which a
// mistyped path doesn't ask for, and its words hold no more than the number of the error.
std::optional<std::string> can_append(const std::string& file) {
  // Whatever the umask is, nobody else writes to it.
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return "can't write to '" + file + "': " + std::generic_category().message(errno);
  ::close(fd);
  return std::nullopt;
}

}  // namespace

std::optional<LogLevel> parse_log_level(std::string_view name) {
  for (const auto& [known, level] : kNames) {
    if (known == name) return level;
  }
  return std::nullopt;
}

std::optional<std::string> init_log(LogLevel level, const std::string& file) {
  try {
    std::shared_ptr<spdlog::sinks::sink> sink;
    if (file.empty()) {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    } else {
      if (auto problem = can_append(file)) return problem;
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
    }
    auto made = std::make_shared<spdlog::logger>("tonio", std::move(sink));
    made->set_level(to_spdlog(level));
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%f %l tonio[%P:%t] %v");
    made->flush_on(spdlog::level::warn);
    made->set_error_handler([](const std::string&) {});
    logger() = std::move(made);
    return std::nullopt;
  } catch (const spdlog::spdlog_ex& error) {
    return error.what();
  }
}

bool log_enabled(LogLevel level) { return logger() && logger()->should_log(to_spdlog(level)); }

void log(LogLevel level, std::string_view message) {
  if (log_enabled(level)) logger()->log(to_spdlog(level), message);
}

}  // namespace tonio::base
