// LocalQueue: every task that is pushed is popped or stolen once, whoever gets it has all
// that its last owner wrote.
#include <array>

#include "model.h"
#include "scheduler/inject_queue.h"
#include "scheduler/local_queue.h"

using namespace tonio;
using namespace tonio::model;
using scheduler::InjectQueue;
using scheduler::LocalQueue;

namespace {

class Counted final : public task::Task, private task::Waker {
 public:
  Counted() : Task(static_cast<task::Waker&>(*this)) {}
  Outcome run() override {
    stack_.touch("a task has one owner at a time");
    ++runs;
    return Outcome::kGone;
  }
  int runs = 0;

 private:
  void wake(task::Task&) override {}
  Owned stack_;
};

void run(task::Task* task) {
  if (task) (void)task->run();
}

void drain(LocalQueue& queue) {
  while (task::Task* task = queue.pop()) run(task);
}

// What overflows is run at the end.
template <std::size_t n>
void settle(InjectQueue& overflow, const std::array<Counted, n>& tasks) {
  task::TaskList left;
  overflow.pop(overflow.size(), left);
  while (task::Task* task = left.pop_front()) run(task);
  for (const Counted& task : tasks) require(task.runs == 1, "every task is run exactly once");
}

void pops_meet_a_thief() {
  std::array<Counted, 3> tasks;
  LocalQueue queue, thiefs;
  InjectQueue overflow;
  parallel(
      [&] {
        for (Counted& task : tasks) queue.push_back(task, overflow);
        drain(queue);
      },
      [&] {
        run(queue.steal_into(thiefs));
        drain(thiefs);
      });
  settle(overflow, tasks);
}

void two_thieves() {
  std::array<Counted, 3> tasks;
  LocalQueue queue, one, other;
  InjectQueue overflow;
  for (Counted& task : tasks) queue.push_back(task, overflow);
  parallel([&] { drain(queue); },
           [&] {
             run(queue.steal_into(one));
             drain(one);
           },
           [&] {
             run(queue.steal_into(other));
             drain(other);
           });
  settle(overflow, tasks);
}

// The owner overflows, or goes around the ring, while a thief copies.
template <std::size_t n>
void full_ring_meets_a_thief(bool pops) {
  static_assert(LocalQueue::kCapacity == 4);
  std::array<Counted, n> tasks;
  // Positions that wrap on the way.
  LocalQueue queue(0xffff'fffe), thiefs;
  InjectQueue overflow;
  for (std::size_t i = 0; i < 4; ++i) queue.push_back(tasks[i], overflow);
  parallel(
      [&] {
        if (pops) run(queue.pop());
        for (std::size_t i = 4; i < n; ++i) queue.push_back(tasks[i], overflow);
        drain(queue);
      },
      [&] {
        run(queue.steal_into(thiefs));
        drain(thiefs);
      });
  settle(overflow, tasks);
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds narrow{1, 1}, normal{2, 1}, deep{4, 2};
  return {{"pops meet a thief", normal, deep, pops_meet_a_thief},
          {"overflow meets a thief", normal, deep, [] { full_ring_meets_a_thief<6>(false); }},
          {"the ring goes around a thief", normal, deep, [] { full_ring_meets_a_thief<7>(true); }},
          {"pops meet two thieves", narrow, deep, two_thieves}};
}
