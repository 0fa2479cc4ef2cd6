// Runs a function on many threads that begin at the same moment.
#pragma once

#include <barrier>
#include <thread>
#include <vector>

namespace tonio::test {

template <typename Body>
void parallelize(int threads, Body&& body) {
  std::barrier start(threads);
  std::vector<std::thread> running;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      start.arrive_and_wait();
      body(i);
    });
  }
  for (std::thread& thread : running) thread.join();
}

}  // namespace tonio::test
