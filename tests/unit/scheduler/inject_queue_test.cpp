#include "scheduler/inject_queue.h"

#include <doctest/doctest.h>

#include <deque>

#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;

TEST_CASE("the shared queue gives each task to one thread, in order") {
  test::RecordingWaker waker;
  std::deque<test::StepTask> tasks;
  const int each = test::rounds(5'000);
  for (int i = 0; i < 4 * each; ++i) tasks.emplace_back(waker);
  scheduler::InjectQueue queue;
  CHECK(queue.empty());
  std::atomic<int> taken{0};
  test::parallelize(8, [&](int me) {
    if (me < 4) {
      task::TaskList batch;
      for (int i = 0; i < each; ++i) {
        if (i % 3 == 0) {
          queue.push_back(tasks[me * each + i]);
        } else {
          batch.push_back(tasks[me * each + i]);
          if (batch.size() == 5) queue.push_back_all(batch);
        }
      }
      queue.push_back_all(batch);
    } else {
      while (taken < 4 * each) {
        task::TaskList mine;
        queue.pop(me, mine);
        while (task::Task* task = mine.pop_front()) {
          ++static_cast<test::StepTask*>(task)->stage;
          ++taken;
        }
      }
    }
  });
  CHECK(queue.empty());
  bool once = true;
  for (auto& task : tasks) once = once && task.stage == 1;
  CHECK(once);
}
