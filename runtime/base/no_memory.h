// What the process does where memory is short and nobody can be told: on a worker between two
// steps, say. Where a call of the program is under way it gets a MemoryError instead
// (python/entry.h).
#pragma once

namespace tonio::base {

// From now on a std::bad_alloc that nobody catches ends the process with one line that says so.
void explain_lack_of_memory();

// The same at once, for C code that would abort without a word.
[[noreturn]] void end_without_memory();

}  // namespace tonio::base
