// tonio's own options: what the command line and the TONIO_* variables say.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "python/embed.h"

namespace tonio::launcher {

// What happens when an extension module is imported that doesn't declare that
// it runs without the GIL. The GIL stays off in either case.
enum class GilPolicy { kWarn, kError };

struct Options {
  python::HostOptions host;
  std::string entry;  // the entrypoint's name; empty: not given
  std::string venv;   // the virtual environment's folder; empty: not given
  GilPolicy gil = GilPolicy::kWarn;
  base::LogLevel log_level = base::LogLevel::kWarn;
  std::string log_file;  // empty: standard error
  bool help = false;
  bool version = false;
};

// The definitions of the options. Names, arity, variables and help texts are
// stated once, as CLI11 options, and everything else asks for them here.
class OptionTable {
 public:
  // Values go to `options`, which must live longer.
  explicit OptionTable(Options& options);
  ~OptionTable();

  // `name` is a token up to its '=', like "--threads" or "-h".
  bool knows(std::string_view name) const;
  bool takes_value(std::string_view name) const;  // of a known option
  // The known name that is closest to a mistyped one, or empty.
  std::string closest(std::string_view name) const;

  // Notes that the command line has this known option; the last one counts.
  void add(std::string_view name, std::string value);
  // Reads the environment for what the command line doesn't say, converts all
  // values and stores them. With --help or --version only that is stored, so
  // that a bad value never hides the help. Throws StartError for a bad value,
  // or leaves that option as it is when `lenient`.
  void apply(bool lenient = false);

  // The options with their texts, for --help.
  std::string describe() const;

 private:
  struct Definitions;
  const std::unique_ptr<Definitions> definitions_;
};

}  // namespace tonio::launcher
