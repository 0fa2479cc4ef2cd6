#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <functional>

#include "core/options.h"
#include "environment.h"
#include "option_values.h"
#include "start_error.h"

namespace tonio::launcher {

namespace {

// --blocking-ttl -> TONIO_BLOCKING_TTL
std::string variable_of(const std::string& name) {
  std::string variable = "TONIO_";
  for (char c : name.substr(2)) {
    variable += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return variable;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

std::chrono::milliseconds to_milliseconds(double seconds) {
  return std::chrono::milliseconds(
      static_cast<std::chrono::milliseconds::rep>(std::ceil(seconds * 1000)));
}

std::string non_empty(const std::string& text) {
  if (text.empty()) {
    throw BadValue{"the value is empty"};
  }
  return text;
}

GilPolicy parse_gil(const std::string& text) {
  if (text == "warn" || text == "error") {
    return text == "warn" ? GilPolicy::kWarn : GilPolicy::kError;
  }
  throw BadValue{"'" + text + "' is neither error nor warn"};
}

base::LogLevel parse_level(const std::string& text) {
  if (auto level = base::parse_log_level(text)) {
    return *level;
  }
  throw BadValue{"'" + text + "' is not one of " + std::string(base::kLogLevelNames)};
}

// One line an option: the variable stands at the end, in brackets.
class OptionFormatter : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string value = option->get_type_name();
    return value.empty() ? value : " " + value;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    const std::string variable = option->get_envname();
    return option->get_description() + (variable.empty() ? variable : " [" + variable + "]");
  }
};

}  // namespace

// CLI11 holds the definitions, the conversions and the results. Its own parse()
// is not used: it doesn't know a script with options of its own, and what it
// does with a bad value in the environment differs between its versions.
struct OptionTable::Definitions {
  using Store = std::function<void(const std::string&)>;

  CLI::App app;

  CLI::Option* add_switch(const std::string& names, const std::string& text, const Store& store) {
    return app.add_option_function<std::string>(names, store, text)
        ->expected(0)
        ->take_last()
        ->type_name("");
  }

  void add_value(const std::string& names, const std::string& value_name, const std::string& text,
                 const Store& store) {
    CLI::Option* option = app.add_option_function<std::string>(names, store, text);
    option->take_last()->type_name(value_name)->envname(variable_of(names));
  }

  CLI::Option* find(std::string_view name) { return app.get_option_no_throw(std::string(name)); }
};

OptionTable::OptionTable(Options& options) : definitions_(std::make_unique<Definitions>()) {
  Definitions& to = *definitions_;
  python::HostOptions& host = options.host;
  to.app.set_help_flag();
  to.add_switch("-h,--help", "show this text", [&](const std::string&) { options.help = true; });
  to.add_switch("--version", "show the versions of tonio and of what it is built on",
                [&](const std::string&) { options.version = true; });
  to.add_value(
      "--threads", "N", "worker threads (default: the usable CPUs)",
      [&](const std::string& text) { host.threads = parse_count(text, core::kMostThreads); });
  to.add_value("--blocking-threads", "N", "most threads for blocking calls (default: 128)",
               [&](const std::string& text) {
                 host.blocking_threads = parse_count(text, core::kMostBlockingThreads);
               });
  to.add_value("--blocking-ttl", "SECONDS", "how long an idle blocking thread stays (default: 30)",
               [&](const std::string& text) { host.blocking_ttl = parse_seconds(text); });
  to.add_switch("--context", "each task runs in a copy of its spawner's contextvars",
                [&](const std::string& text) { host.context = parse_switch(text); })
      ->envname(variable_of("--context"));
  to.add_value("--signals", "LIST", "signals for tonio.signal_receiver, like HUP,USR1",
               [&](const std::string& text) { host.signals = parse_signals(text); });
  to.add_value("--dump-signal", "NAME",
               "signal that shows what the tasks are doing (default: QUIT)",
               [&](const std::string& text) { host.dump_signal = parse_signal(text); });
  to.add_value("--entry", "NAME", "the function to run; SCRIPT:NAME says the same",
               [&](const std::string& text) { options.entry = non_empty(text); });
  to.add_value("--venv", "PATH",
               "virtual environment (default: VIRTUAL_ENV, else a .venv beside the "
               "script or above)",
               [&](const std::string& text) { options.venv = non_empty(text); });
  to.add_value("--gil", "error|warn",
               "extension modules that don't declare free-threading (default: warn)",
               [&](const std::string& text) { options.gil = parse_gil(text); });
  to.add_value("--log-level", "LEVEL", std::string(base::kLogLevelNames) + " (default: warn)",
               [&](const std::string& text) { options.log_level = parse_level(text); });
  to.add_value("--log-file", "PATH", "where the log goes (default: standard error)",
               [&](const std::string& text) { options.log_file = non_empty(text); });
  to.add_value("--shutdown-timeout", "SECONDS",
               "how long the end waits for what still runs (default: 10)",
               [&](const std::string& text) {
                 host.shutdown_timeout = to_milliseconds(parse_seconds(text));
               });
}

OptionTable::~OptionTable() = default;

bool OptionTable::knows(std::string_view name) const {
  return name.size() > 1 && name[0] == '-' && definitions_->find(name) != nullptr;
}

bool OptionTable::takes_value(std::string_view name) const {
  return definitions_->find(name)->get_items_expected_max() > 0;
}

std::string OptionTable::closest(std::string_view name) const {
  std::string best;
  std::size_t least = 3;  // more than two mistakes is another word
  for (const CLI::Option* option : definitions_->app.get_options()) {
    std::string known = option->get_name();
    std::size_t distance = edit_distance(name, known);
    if (distance < least) {
      least = distance;
      best = known;
    }
  }
  return best;
}

void OptionTable::add(std::string_view name, std::string value) {
  definitions_->find(name)->add_result(std::move(value));
}

void OptionTable::apply(bool lenient) {
  std::vector<CLI::Option*> options =
      definitions_->app.get_options([](const CLI::Option*) { return true; });
  for (CLI::Option* option : options) {
    if (option->get_envname().empty() && option->count() > 0) {
      option->run_callback();
      return;
    }
  }
  for (CLI::Option* option : options) {
    std::string origin = option->get_name();
    if (option->count() == 0) {
      const std::string variable = option->get_envname();
      const std::string value = variable.empty() ? variable : read_variable(variable);
      if (value.empty()) {
        continue;
      }
      origin = variable;
      option->add_result(value);
    }
    try {
      option->run_callback();
    } catch (const BadValue& bad) {
      if (!lenient) {
        throw StartError(origin + ": " + bad.reason);
      }
    }
  }
}

std::string OptionTable::describe() const {
  OptionFormatter formatter;
  formatter.column_width(30);
  return formatter.make_groups(&definitions_->app, CLI::AppFormatMode::Normal);
}

}  // namespace tonio::launcher
