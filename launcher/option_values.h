// How the text of an option's value is read, from the command line and from the
// environment alike.
#pragma once

#include <string>
#include <vector>

namespace tonio::launcher {

// What is wrong with a value, to be read after the option's name and a colon.
struct BadValue {
  std::string reason;
};

// Each throws BadValue.
unsigned parse_count(const std::string& text, unsigned most);
double parse_seconds(const std::string& text);
bool parse_switch(const std::string& text);
int parse_signal(const std::string& text);                // "USR1", "SIGUSR1", "10"
std::vector<int> parse_signals(const std::string& text);  // "HUP,SIGUSR1,15"

}  // namespace tonio::launcher
