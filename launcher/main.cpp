#include <cstdio>

#include "base/no_memory.h"
#include "launch.h"
#include "start_error.h"

int main(int argc, char** argv) {
  tonio::base::explain_lack_of_memory();
  try {
    return tonio::launcher::launch(argc, argv);
  } catch (const tonio::launcher::StartError& error) {
    std::fprintf(stderr, "tonio: %s\n", error.what());
    return error.exit_code();
  }
}
