#include "task/task_pool.h"

#include <doctest/doctest.h>

#include <set>
#include <thread>
#include <vector>

#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;

namespace {

class PooledTask : public task::Task {
 public:
  explicit PooledTask(task::Waker& waker) : Task(waker) { ++made; }
  ~PooledTask() override { ++destroyed; }
  Outcome run() override { return Outcome::kGone; }

  int value = 0;  // the task's, while one lives here
  static inline std::atomic<int> made{0}, destroyed{0};
};

using Pool = task::TaskPool<PooledTask>;

}  // namespace

TEST_CASE("objects are used again, last one first, and destroyed once") {
  PooledTask::made = PooledTask::destroyed = 0;
  {
    test::RecordingWaker waker;
    Pool pool(waker);
    Pool::Magazine magazine;
    PooledTask& a = pool.take(magazine);
    CHECK(a.state().ended());
    PooledTask& b = pool.take(magazine);
    CHECK(&a != &b);
    pool.give_back(magazine, a);
    CHECK(&pool.take(magazine) == &a);
    pool.give_back(magazine, a);
    pool.give_back(magazine, b);
    std::set<PooledTask*> used;
    for (std::size_t i = 0; i < 3 * Pool::kSlabSize; ++i) used.insert(&pool.take(magazine));
    CHECK(used.size() == 3 * Pool::kSlabSize);
    CHECK(PooledTask::made == 3 * Pool::kSlabSize);
    for (PooledTask* task : used) pool.give_back(magazine, *task);
    // A magazine that is too full has spilled: another one starts from that.
    Pool::Magazine other;
    pool.take(other);
    CHECK(PooledTask::made == 3 * Pool::kSlabSize);
    pool.flush(other);
    pool.flush(magazine);
    CHECK(magazine.empty());
  }
  CHECK(PooledTask::destroyed == PooledTask::made);
}

TEST_CASE("one thread begins tasks, another ends them, and memory stays flat") {
  PooledTask::made = 0;
  test::RecordingWaker waker;
  Pool pool(waker);
  base::Guarded<std::vector<PooledTask*>> running;
  const int total = test::rounds(200'000);
  std::atomic<int> ended{0};
  test::parallelize(4, [&](int me) {
    Pool::Magazine magazine;
    if (me % 2 == 0) {
      for (int i = 0; i < total; ++i) {
        while (running.lock()->size() > 1'000) std::this_thread::yield();
        PooledTask& task = pool.take(magazine);
        if (!task.state().ended()) std::abort();  // somebody else's
        task.state().begin();
        task.value = i;
        running.lock()->push_back(&task);
      }
    } else {
      while (ended < 2 * total) {
        PooledTask* task = nullptr;
        {
          auto access = running.lock();
          if (!access->empty()) {
            task = access->back();
            access->pop_back();
          }
        }
        if (!task) {
          std::this_thread::yield();
          continue;
        }
        task->value = -1;
        task->state().end();
        pool.give_back(magazine, *task);
        ++ended;
      }
    }
    pool.flush(magazine);
  });
  CHECK(ended == 2 * total);
  CHECK(PooledTask::made <= 1'000 + 4 * 3 * static_cast<int>(Pool::kSlabSize));
}

TEST_CASE("all tasks can be cancelled while they begin and end") {
  test::RecordingWaker waker;
  Pool pool(waker);
  std::atomic<bool> done{false};
  std::atomic<long> cancelled{0};
  test::parallelize(4, [&](int me) {
    if (me == 0) {
      while (!done) {
        pool.for_each([&](PooledTask& task) {
          if (!task.state().ended()) task.cancel();
        });
      }
      return;
    }
    Pool::Magazine magazine;
    const int each = test::rounds(20'000);
    // A canceller can be slow: at least one cancellation must have come.
    for (int i = 0; i < each || (me == 1 && cancelled == 0); ++i) {
      PooledTask& task = pool.take(magazine);
      task.state().begin();
      if (task.state().begin_arming()) {
        if (task.state().cancel_arming()) ++cancelled;
      } else {
        task.state().deliver_cancel();
        ++cancelled;
      }
      task.state().end();
      pool.give_back(magazine, task);
    }
    pool.flush(magazine);
    if (me == 1) done = true;
  });
  CHECK(cancelled > 0);
  CHECK(waker.count == 0);  // none was suspended
  // Those in use and those that are not.
  Pool::Magazine magazine;
  pool.take(magazine).state().begin();
  int alive = 0;
  pool.for_each([&](PooledTask& task) { alive += task.state().ended() ? 0 : 1; });
  CHECK(alive == 1);
  pool.flush(magazine);
}
