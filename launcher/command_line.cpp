#include "command_line.h"

#include <sys/stat.h>

#include <cctype>

#include "start_error.h"

namespace tonio::launcher {

namespace {

using Action = CommandLine::Action;
using Tokens = std::vector<std::string>;

bool is_option(const std::string& token) { return token.size() > 1 && token[0] == '-'; }

bool is_long(const std::string& token) {
  return token.size() > 2 && token.compare(0, 2, "--") == 0;
}

bool is_identifier(const std::string& name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    unsigned char c = static_cast<unsigned char>(name[i]);
    // A byte of a letter beyond ASCII is left to Python's own lookup.
    if (c < 0x80 && c != '_' && !std::isalpha(c) && (i == 0 || !std::isdigit(c))) {
      return false;
    }
  }
  return !name.empty();
}

bool exists(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0;
}

// Python's long options are few, and none of them is ours.
bool is_long_of_python(const std::string& token) {
  return token == "--check-hash-based-pycs" || token.compare(0, 6, "--help") == 0;
}

[[noreturn]] void refuse_option(const OptionTable& table, const std::string& token,
                                bool after_run) {
  std::string name = token.substr(0, token.find('='));
  std::string closest = is_long(token) ? table.closest(name) : "";
  if (!closest.empty()) {
    throw StartError("unknown option '" + name + "'; did you mean '" + closest + "'?");
  }
  if (after_run && !is_long(token)) {
    if (token[1] == 'c' || token[1] == 'm') {
      throw StartError("'tonio run' takes a script; for " + token + " leave 'run' out: tonio " +
                       token + " ...");
    }
    throw StartError("unknown option '" + token +
                     "'; Python's own options have PYTHON* variables (PYTHONUNBUFFERED=1), "
                     "and the script's own come after SCRIPT");
  }
  throw StartError("unknown option '" + name +
                   "'; see 'tonio --help', and put the script's own options after SCRIPT");
}

class Parser {
 public:
  explicit Parser(Tokens tokens) : tokens_(std::move(tokens)), table_(line_.options) {}

  CommandLine parse() {
    if (tokens_.empty()) {
      line_.action = Action::kShowUsage;
      return std::move(line_);
    }
    before_script();
    table_.apply();
    if (line_.options.help || line_.options.version) {
      line_.action = line_.options.help ? Action::kShowHelp : Action::kShowVersion;
    } else if (line_.action == Action::kRunScript) {
      require_script();
      split_entry();
    }
    return std::move(line_);
  }

 private:
  bool more() const { return next_ < tokens_.size(); }

  // Takes a known option and its value, or leaves everything as it is.
  bool take_option() {
    const std::string& token = tokens_[next_];
    std::size_t equals = token.find('=');
    std::string name = token.substr(0, equals);
    if (!table_.knows(name)) {
      return false;
    }
    ++next_;
    if (equals != std::string::npos) {
      table_.add(name, token.substr(equals + 1));
    } else if (!table_.takes_value(name)) {
      table_.add(name, "true");
    } else if (more()) {
      table_.add(name, tokens_[next_++]);
    } else {
      throw StartError(name + " needs a value; see 'tonio --help'");
    }
    return true;
  }

  void before_script() {
    bool after_run = false;
    while (more()) {
      const std::string& token = tokens_[next_];
      if (token == "--") {
        ++next_;
        take_script();
        take_rest();
      } else if (is_option(token)) {
        if (take_option()) {
          continue;
        }
        if (after_run || (is_long(token) && !is_long_of_python(token))) {
          refuse_option(table_, token, after_run);
        }
        line_.action = Action::kActAsPython;
        take_rest();
      } else if (!after_run && token == "run") {
        after_run = true;
        ++next_;
      } else if (after_run) {
        take_script();
        after_script();
      } else {
        line_.action = token == "-" ? Action::kActAsPython : Action::kRunScript;
        if (line_.action == Action::kRunScript) {
          take_script();
        }
        take_rest();
      }
    }
  }

  void after_script() {
    while (more()) {
      if (tokens_[next_] == "--") {
        ++next_;
        take_rest();
      } else if (!is_option(tokens_[next_]) || !take_option()) {
        line_.args.push_back(tokens_[next_++]);
      }
    }
  }

  void take_script() {
    if (more()) {
      line_.script = tokens_[next_++];
    }
  }

  void take_rest() {
    line_.args.insert(line_.args.end(), tokens_.begin() + static_cast<std::ptrdiff_t>(next_),
                      tokens_.end());
    next_ = tokens_.size();
  }

  void require_script() const {
    if (line_.script.empty()) {
      throw StartError("no script was given; use: tonio run SCRIPT (or 'tonio --help')");
    }
  }

  // app.py:serve is the script app.py with the entrypoint serve, unless there
  // is a file of that whole name. What the command line says beats TONIO_ENTRY.
  void split_entry() {
    std::size_t colon = line_.script.rfind(':');
    if (colon == std::string::npos || colon == 0 || exists(line_.script)) {
      return;
    }
    std::string name = line_.script.substr(colon + 1);
    if (!is_identifier(name)) {
      return;
    }
    line_.script.resize(colon);
    line_.options.entry = name;
  }

  const Tokens tokens_;
  std::size_t next_ = 0;
  CommandLine line_;
  OptionTable table_;  // stores into line_
};

}  // namespace

CommandLine parse_command_line(const std::vector<std::string>& argv) {
  const std::string called = argv.empty() ? "tonio" : argv[0].substr(argv[0].rfind('/') + 1);
  Tokens tokens(argv.begin() + (argv.empty() ? 0 : 1), argv.end());
  if (called.compare(0, 6, "python") == 0) {
    CommandLine line;
    OptionTable(line.options).apply(/*lenient=*/true);
    line.action = Action::kBeExactlyPython;
    line.args = std::move(tokens);
    return line;
  }
  return Parser(std::move(tokens)).parse();
}

std::string script_of_python(const std::vector<std::string>& args) {
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& token = args[i];
    if (token == "--") {
      return i + 1 < args.size() ? args[i + 1] : "";
    }
    if (!is_option(token)) {
      return token == "-" ? "" : token;
    }
    if (is_long(token)) {
      i += token == "--check-hash-based-pycs" ? 1 : 0;
      continue;
    }
    for (std::size_t j = 1; j < token.size(); ++j) {
      if (token[j] == 'c' || token[j] == 'm') {
        return "";
      }
      if (token[j] == 'W' || token[j] == 'X') {
        i += j + 1 == token.size() ? 1 : 0;  // the value is the next token
        break;
      }
    }
  }
  return "";
}

}  // namespace tonio::launcher
