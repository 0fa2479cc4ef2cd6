// The runtime's log: what an operator wants to know about the runtime itself.
// The one include of spdlog is in log.cpp. Thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tonio::base {

enum class LogLevel { kTrace, kDebug, kInfo, kWarn, kError, kCritical, kOff };

// The names that parse_log_level takes, in one line for messages.
inline constexpr std::string_view kLogLevelNames = "trace, debug, info, warn, error, critical, off";

std::optional<LogLevel> parse_log_level(std::string_view name);

// Starts the log at `level`, into `file` (appended to) or, when that is empty, to
// standard error. Gives what went wrong in words when the file can't be opened.
// A write that fails later (a full disk) is dropped: logging never stops a program.
std::optional<std::string> init_log(LogLevel level, const std::string& file);

bool log_enabled(LogLevel level);
void log(LogLevel level, std::string_view message);

}  // namespace tonio::base
