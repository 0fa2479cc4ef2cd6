#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>

#include "core/options.h"

namespace tonio::core {
namespace {

std::optional<double> read_number(const std::string& path) {
  std::ifstream file(path);
  double number = 0;
  if (file >> number) return number;
  return std::nullopt;
}

// CPUs that the cgroup's CPU quota amounts to: cgroup v2's cpu.max of this process's
// group and its parents as far as they are visible, else v1's cfs quota.
std::optional<double> quota() {
  std::optional<double> least;
  const auto consider = [&](double max, double period) {
    if (max > 0 && period > 0) least = std::min(least.value_or(max / period), max / period);
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    if (line.rfind("0::", 0) != 0) continue;
    for (std::string group = line.substr(3); !group.empty();
         group.resize(group.rfind('/') == std::string::npos ? 0 : group.rfind('/'))) {
      std::ifstream file("/sys/fs/cgroup" + (group == "/" ? "" : group) + "/cpu.max");
      double max = 0, period = 0;
      if (file >> max >> period) consider(max, period);
    }
  }
  const auto v1_quota = read_number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  const auto v1_period = read_number("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota && v1_period) consider(*v1_quota, *v1_period);
  return least;
}

}  // namespace

unsigned default_threads() {
  cpu_set_t set;
  CPU_ZERO(&set);
  unsigned cpus = 1;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    cpus = std::max(1u, static_cast<unsigned>(CPU_COUNT(&set)));
  }
  if (const auto limit = quota()) {
    cpus = std::min(cpus, std::max(1u, static_cast<unsigned>(std::ceil(*limit))));
  }
  return cpus;
}

}  // namespace tonio::core
