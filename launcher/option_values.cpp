#include "option_values.h"

#include <signal.h>
#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace tonio::launcher {

namespace {

// A year: longer is a mistake, and still far from overflowing any clock.
constexpr double kMostSeconds = 365.0 * 24 * 3600;

template <typename Number>
bool parse_whole(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

}  // namespace

int parse_signal(const std::string& text) {
  int number = 0;
  if (parse_whole(text, number)) {
    if (number < 1 || number > SIGRTMAX) {
      throw BadValue{"there is no signal " + text};
    }
  } else {
    const char* name = text.c_str();
    if (strncasecmp(name, "SIG", 3) == 0) {
      name += 3;
    }
    for (int candidate = 1; candidate < SIGRTMIN && number == 0; ++candidate) {
      const char* known = sigabbrev_np(candidate);
      if (known != nullptr && strcasecmp(name, known) == 0) {
        number = candidate;
      }
    }
    if (number == 0) {
      throw BadValue{"'" + text +
                     "' is not a signal; use names like HUP, SIGUSR1 or "
                     "numbers, with commas between them"};
    }
  }
  if (number == SIGKILL || number == SIGSTOP) {
    throw BadValue{"'" + text + "' can't be received by any program"};
  }
  // A handler that returned would run into the fault again, for ever.
  if (number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL) {
    throw BadValue{"'" + text + "' tells of a fault, after which no program can go on"};
  }
  return number;
}

unsigned parse_count(const std::string& text, unsigned most) {
  unsigned count = 0;
  if (!parse_whole(text, count) || count < 1 || count > most) {
    throw BadValue{"'" + text + "' is not a whole number from 1 to " + std::to_string(most)};
  }
  return count;
}

double parse_seconds(const std::string& text) {
  double seconds = 0;
  // The comparison is false for a NaN.
  if (!parse_whole(text, seconds) || !(seconds >= 0 && seconds <= kMostSeconds)) {
    throw BadValue{"'" + text + "' is not a number of seconds (0 or more, like 30 or 0.5)"};
  }
  return seconds;
}

bool parse_switch(const std::string& text) {
  for (const char* yes : {"true", "1", "yes", "on"}) {
    if (strcasecmp(text.c_str(), yes) == 0) {
      return true;
    }
  }
  for (const char* no : {"false", "0", "no", "off"}) {
    if (strcasecmp(text.c_str(), no) == 0) {
      return false;
    }
  }
  throw BadValue{"'" + text + "' is neither true nor false"};
}

std::vector<int> parse_signals(const std::string& text) {
  std::vector<int> signals;
  for (std::size_t begin = 0; begin <= text.size();) {
    std::size_t end = std::min(text.find(',', begin), text.size());
    int number = parse_signal(text.substr(begin, end - begin));
    if (std::find(signals.begin(), signals.end(), number) == signals.end()) {
      signals.push_back(number);
    }
    begin = end + 1;
  }
  return signals;
}

}  // namespace tonio::launcher
