#include "scheduler/local_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "scheduler/inject_queue.h"
#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using scheduler::InjectQueue;
using scheduler::LocalQueue;

namespace {

constexpr std::uint32_t kCapacity = LocalQueue::kCapacity;

struct Tasks {
  explicit Tasks(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(waker);
  }
  test::RecordingWaker waker;
  std::deque<test::StepTask> all;
};

}  // namespace

TEST_CASE("a local queue is first in, first out") {
  for (const std::uint32_t first : {0u, 0xffff'fffeu}) {
    Tasks tasks(kCapacity);
    LocalQueue queue(first);
    InjectQueue overflow;
    CHECK(queue.pop() == nullptr);
    for (int round = 0; round < 5; ++round) {
      for (auto& task : tasks.all) queue.push_back(task, overflow);
      CHECK(queue.size() == kCapacity);
      bool in_order = true;
      for (auto& task : tasks.all) in_order = queue.pop() == &task && in_order;
      CHECK(in_order);
      CHECK(queue.empty());
    }
    CHECK(overflow.empty());
  }
}

TEST_CASE(
    "a full local queue moves its older half and the new task to the shared "
    "one") {
  for (const std::uint32_t first : {0u, 0xffff'fffdu}) {
    Tasks tasks(kCapacity + 1);
    LocalQueue queue(first);
    InjectQueue overflow;
    for (auto& task : tasks.all) queue.push_back(task, overflow);
    CHECK(queue.size() == kCapacity / 2);
    CHECK(overflow.size() == kCapacity / 2 + 1);
    task::TaskList moved;
    overflow.pop(overflow.size(), moved);
    bool in_order = true;
    for (std::uint32_t i = 0; i < kCapacity / 2; ++i) {
      in_order = moved.pop_front() == &tasks.all[i] && in_order;
    }
    in_order = moved.pop_front() == &tasks.all.back() && in_order;
    for (std::uint32_t i = kCapacity / 2; i < kCapacity; ++i) {
      in_order = queue.pop() == &tasks.all[i] && in_order;
    }
    CHECK(in_order);
    CHECK(queue.empty());
  }
}

TEST_CASE("a list fills the queue and what doesn't fit stays in the list") {
  Tasks tasks(kCapacity + 2);
  LocalQueue queue(0xffff'fffeu);
  task::TaskList list;
  for (auto& task : tasks.all) list.push_back(task);
  queue.push_back_all(list);
  CHECK(queue.size() == kCapacity);
  CHECK(list.size() == 2);
  CHECK(list.pop_front() == &tasks.all[kCapacity]);
  list.pop_front();
  CHECK(queue.pop() == &tasks.all[0]);
  while (queue.pop()) {
  }
}

TEST_CASE("a thief takes half, older tasks first, and one to run") {
  for (const std::uint32_t first : {0u, 0xffff'ffffu}) {
    Tasks tasks(4);
    LocalQueue queue(first), thief(first);
    InjectQueue overflow;
    CHECK(queue.steal_into(thief) == nullptr);
    for (auto& task : tasks.all) queue.push_back(task, overflow);
    CHECK(queue.steal_into(thief) == &tasks.all[1]);
    CHECK(thief.pop() == &tasks.all[0]);
    CHECK(thief.empty());
    CHECK(queue.size() == 2);
    CHECK(queue.steal_into(thief) == &tasks.all[2]);
    CHECK(thief.empty());
    CHECK(queue.steal_into(thief) == &tasks.all[3]);
    CHECK(queue.steal_into(thief) == nullptr);
  }
}

TEST_CASE("a thief takes no more than it has room for") {
  Tasks tasks(2 * kCapacity);
  LocalQueue queue, thief;
  InjectQueue overflow;
  for (std::uint32_t i = 0; i < kCapacity; ++i) queue.push_back(tasks.all[i], overflow);
  for (std::uint32_t i = 0; i < kCapacity; ++i) thief.push_back(tasks.all[kCapacity + i], overflow);
  CHECK(queue.steal_into(thief) == &tasks.all[0]);
  CHECK(thief.size() == kCapacity);
  while (queue.pop() || thief.pop()) {
  }
}

TEST_CASE("every task of a queue that is stolen from is run once") {
  for (const int thieves : {1, 3, 7}) {
    for (const std::uint32_t first : {0u, 0xffff'f000u}) {
      Tasks tasks(1'000);
      const int target = test::rounds(100'000);
      std::vector<std::unique_ptr<LocalQueue>> queues;
      for (int i = 0; i <= thieves; ++i) queues.push_back(std::make_unique<LocalQueue>(first));
      InjectQueue overflow;
      std::atomic<int> done{0};
      // The owner of a task counts its runs without any lock.
      const auto run = [&](task::Task& task) {
        ++static_cast<test::StepTask&>(task).stage;
        ++done;
      };
      test::parallelize(thieves + 1, [&](int me) {
        LocalQueue& own = *queues[me];
        if (me == 0) {
          int pushed = 0;
          std::deque<task::Task*> free;
          for (auto& task : tasks.all) free.push_back(&task);
          std::size_t next = 0;
          while (pushed < target) {
            // Each task is queued once per lap, and a lap begins when the last
            // has ended.
            for (int i = 0; i < 5 && next < free.size(); ++i, ++pushed)
              own.push_back(*free[next++], overflow);
            for (int i = 0; i < 2; ++i) {
              if (task::Task* task = own.pop()) run(*task);
            }
            task::TaskList taken;
            overflow.pop(3, taken);
            while (task::Task* task = taken.pop_front()) run(*task);
            if (next == free.size() && done == pushed) next = 0;
          }
          while (done < pushed) {
            while (task::Task* task = own.pop()) run(*task);
            task::TaskList taken;
            overflow.pop(1'000, taken);
            while (task::Task* task = taken.pop_front()) run(*task);
          }
          done = -1;  // all ended
        } else {
          while (done >= 0) {
            for (int from = 0; from <= thieves; ++from) {
              if (from == me) continue;
              if (task::Task* task = queues[from]->steal_into(own)) run(*task);
            }
            while (task::Task* task = own.pop()) run(*task);
            std::this_thread::yield();
          }
        }
      });
      long total = 0;
      int least = 1 << 30, most = 0;
      for (auto& task : tasks.all) {
        total += task.stage;
        least = std::min(least, task.stage);
        most = std::max(most, task.stage);
      }
      CHECK(total >= target);
      CHECK(most - least <= 1);
    }
  }
}
