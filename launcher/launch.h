// The order of a process's life: options, log, interpreter, runtime, program,
// end.
#pragma once

namespace tonio::launcher {

// Gives the exit code. Throws StartError.
int launch(int argc, char** argv);

}  // namespace tonio::launcher
