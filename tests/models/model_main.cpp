// The program of each model: runs its scenarios, and prints a row for each.
//
//     model_NAME                     all of them
//     model_NAME SCENARIO            the one of that name
//     model_NAME --refute PROPERTY   of a mutant: succeeds when a scenario fails, and with a
//                                    message that has PROPERTY in it
//
// TONIO_STRESS in the environment: the deep bounds.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "model.h"

using namespace tonio::model;

namespace {

std::string bound(unsigned number) {
  return number == kNoBound ? "any" : "<= " + std::to_string(number);
}

Result run(const Scenario& scenario) {
  const Bounds& bounds = std::getenv("TONIO_STRESS") ? scenario.deep : scenario.bounds;
  const auto start = std::chrono::steady_clock::now();
  const Result result = Explorer(bounds, scenario.program).explore();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  std::printf("%-52s preemptions %-6s stale loads %-6s %10llu schedules %12llu steps %6.1f s  %s\n",
              scenario.name, bound(bounds.preemptions).c_str(), bound(bounds.stale_loads).c_str(),
              static_cast<unsigned long long>(result.schedules),
              static_cast<unsigned long long>(result.points), took.count(),
              result.failure.empty() ? "holds" : "REFUTED");
  if (!result.failure.empty()) std::printf("%s\n", result.failure.c_str());
  std::fflush(stdout);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const bool refute = argc == 3 && std::strcmp(argv[1], "--refute") == 0;
  if (argc > 1 && !refute && argv[1][0] == '-') {
    std::fprintf(stderr, "usage: %s [SCENARIO | --refute PROPERTY]\n", argv[0]);
    return 2;
  }
  bool any = false;
  for (const Scenario& scenario : scenarios()) {
    if (!refute && argc > 1 && std::strcmp(argv[1], scenario.name) != 0) continue;
    any = true;
    const Result result = run(scenario);
    if (result.failure.empty()) continue;
    if (!refute) return 1;
    if (result.failure.find(argv[2]) != std::string::npos) return 0;
    std::fprintf(stderr, "refuted, but not by \"%s\"\n", argv[2]);
    return 1;
  }
  if (!any) std::fprintf(stderr, "no scenario of that name\n");
  if (refute) std::fprintf(stderr, "the mutant was not refuted\n");
  return !any || refute;
}
