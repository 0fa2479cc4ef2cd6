// Runs a fuzz target without libFuzzer: its seeds, then random mutations of
// them. The same seed number gives the same inputs.
//
//   fuzz_X [SECONDS [SEED]]           for at most that long (default: 3), from
//   1 fuzz_X --write-seeds FOLDER       a first corpus for libFuzzer fuzz_X
//   --one FILE                 one input, such as a crash that was found
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "fuzz/target.h"

namespace {

void try_one(const std::string& input) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(input.data()), input.size());
}

// One to eight changes: a bit, a byte, a cut, a repetition, or something else's
// tail.
std::string mutated(std::string input, const std::vector<std::string>& seeds,
                    std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return limit ? random() % limit : 0; };
  for (std::size_t left = 1 + below(8); left > 0; --left) {
    const std::size_t at = below(input.size());
    switch (below(6)) {
      case 0:
        if (!input.empty()) input[at] = static_cast<char>(input[at] ^ (1 << below(8)));
        break;
      case 1:
        if (!input.empty()) input[at] = static_cast<char>(random());
        break;
      case 2:
        input.resize(at);
        break;
      case 3:
        input.insert(at, input.substr(at, below(64)));
        break;
      case 4:
        input.insert(at, 1 + below(4), static_cast<char>(random()));
        break;
      default: {
        const std::string& other = seeds[below(seeds.size())];
        input = input.substr(0, at) + other.substr(below(other.size()));
      }
    }
  }
  return input;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> seeds = fuzz_seeds();
  const std::string first = count > 1 ? arguments[1] : "3";
  if (first == "--write-seeds" && count == 3) {
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      std::ofstream(std::string(arguments[2]) + "/seed-" + std::to_string(i), std::ios::binary)
          << seeds[i];
    }
    return 0;
  }
  if (first == "--one" && count == 3) {
    std::ifstream file(arguments[2], std::ios::binary);
    try_one({std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()});
    return 0;
  }
  std::mt19937 random(count > 2 ? static_cast<unsigned>(std::atoi(arguments[2])) : 1);
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(std::atof(first.c_str()));
  std::size_t tried = 0;
  for (const std::string& seed : seeds) try_one(seed), ++tried;
  while (std::chrono::steady_clock::now() < end) {
    const std::string input = mutated(seeds[random() % seeds.size()], seeds, random);
    // Where it crashes, this is the input to keep.
    std::ofstream("fuzz-last-input", std::ios::binary) << input;
    try_one(input);
    ++tried;
  }
  std::remove("fuzz-last-input");
  std::printf("%zu inputs\n", tried);
  return tried > seeds.size() ? 0 : 1;
}
