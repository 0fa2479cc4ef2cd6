#include "reactor/timer_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "support/parallelize.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using reactor::TimerQueue;

namespace {
std::size_t fire(TimerQueue& queue, base::Instant now) {
  task::TaskList ready;
  queue.fire_due(now, SIZE_MAX, ready);
  const std::size_t count = ready.size();
  ready.clear();
  return count;
}
}  // namespace

TEST_CASE("timers fire in the order of their deadlines, not before") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), c(waker);
  TimerQueue queue;
  for (auto* task : {&a, &b, &c}) REQUIRE(test::suspend(*task));
  CHECK(!queue.add(a, 300));
  CHECK(!queue.add(b, 100));
  CHECK(!queue.add(c, 200));
  CHECK(fire(queue, 99) == 0);
  CHECK(fire(queue, 100) == 1);
  CHECK(b.state().reason() == task::WakeReason::kTimedOut);
  CHECK(c.state().suspended());
  task::TaskList ready;
  queue.fire_due(1'000, SIZE_MAX, ready);
  CHECK(ready.pop_front() == &c);
  CHECK(ready.pop_front() == &a);
  CHECK(queue.size() == 0);
}

TEST_CASE("a timer of a task that was woken otherwise wakes nobody") {
  test::RecordingWaker waker;
  test::StepTask late(waker), arming(waker);
  TimerQueue queue;
  REQUIRE(test::suspend(late));
  CHECK(!queue.add(late, 100));
  REQUIRE(late.state().claim(task::WakeReason::kCompleted) == task::Claim::kSchedule);
  CHECK(fire(queue, 100) == 0);
  CHECK(late.state().reason() == task::WakeReason::kCompleted);
  queue.remove(late);  // no effect

  REQUIRE(arming.state().begin_arming());
  CHECK(!queue.add(arming, 100));
  CHECK(fire(queue, 100) == 0);  // it stays with its worker
  CHECK(!arming.state().finish_arming());
  CHECK(arming.state().reason() == task::WakeReason::kTimedOut);
}

TEST_CASE("a million timers, removed from the middle, fire in order") {
  const int count = test::rounds(1'000'000);
  test::RecordingWaker waker;
  std::deque<test::StepTask> tasks;
  std::vector<base::Instant> deadlines;
  TimerQueue queue;
  std::mt19937 random(7);
  bool suspended = true;
  for (int i = 0; i < count; ++i) {
    tasks.emplace_back(waker);
    deadlines.push_back(static_cast<base::Instant>(random() % (count / 4 + 1)));
    tasks.back().stage = i;
    suspended = test::suspend(tasks.back()) && suspended;
    (void)queue.add(tasks.back(), deadlines.back());
  }
  CHECK(suspended);
  CHECK(queue.size() == static_cast<std::size_t>(count));
  std::vector<int> shuffled(count);
  for (int i = 0; i < count; ++i) shuffled[i] = i;
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  const int removed = count / 2;
  for (int i = 0; i < removed; ++i) queue.remove(tasks[shuffled[i]]);
  CHECK(queue.size() == static_cast<std::size_t>(count - removed));
  base::Instant last = -1;
  int fired = 0;
  bool in_order = true;
  for (const base::Instant now : {base::Instant{count / 16}, base::Instant{count}}) {
    task::TaskList ready;
    queue.fire_due(now, SIZE_MAX, ready);
    while (task::Task* task = ready.pop_front()) {
      const base::Instant deadline = deadlines[static_cast<test::StepTask*>(task)->stage];
      in_order = in_order && deadline >= last && deadline <= now;
      last = deadline;
      ++fired;
    }
  }
  CHECK(in_order);
  CHECK(fired == count - removed);
  for (int i = 0; i < removed; ++i) in_order = in_order && tasks[shuffled[i]].state().suspended();
  CHECK(in_order);
}

// As programs do: each timer is set for a length of time from now, most are removed before they
// fire, and the lengths are few, more than there are lanes, or all different.
TEST_CASE("timers of any lengths, set while time goes on, fire when they are due and in order") {
  for (const int lengths : {1, 4, 7, 1'000}) {
    CAPTURE(lengths);
    test::RecordingWaker waker;
    TimerQueue queue;
    std::mt19937 random(lengths);
    std::deque<test::StepTask> tasks;
    std::vector<test::StepTask*> free;
    std::vector<base::Instant> deadlines;
    std::map<base::Instant, std::set<test::StepTask*>> due;
    bool right = true;
    std::size_t most = 0;
    base::Instant now = 1'000;
    for (int i = 0; i < test::rounds(100'000); ++i) {
      if (free.empty()) {
        free.push_back(&tasks.emplace_back(waker));
        free.back()->stage = static_cast<int>(deadlines.size());
        deadlines.push_back(0);
      }
      test::StepTask& task = *free.back();
      free.pop_back();
      right = test::suspend(task) && right;
      const base::Instant deadline =
          now + 2'000 + 97 * static_cast<base::Instant>(random() % lengths) -
          static_cast<base::Instant>(random() % 3);  // as if a colleague had come in between
      deadlines[task.stage] = deadline;
      due[deadline].insert(&task);
      (void)queue.add(task, deadline);
      most = std::max(most, queue.size());
      if (random() % 4 != 0) {
        // The one that has been set the longest ago, or the newest one.
        auto at = random() % 2 == 0 ? due.begin() : due.find(deadline);
        test::StepTask& other = **at->second.begin();
        at->second.erase(&other);
        if (at->second.empty()) due.erase(at);
        queue.remove(other);
        right =
            other.state().claim(task::WakeReason::kCompleted) == task::Claim::kSchedule && right;
        free.push_back(&other);
      }
      now += static_cast<base::Instant>(random() % 20);
      task::TaskList ready;
      queue.fire_due(now, SIZE_MAX, ready);
      base::Instant last = 0;
      while (auto* fired = static_cast<test::StepTask*>(ready.pop_front())) {
        const base::Instant at = deadlines[fired->stage];
        right = right && at <= now && at >= last && due[at].erase(fired) == 1;
        if (due[at].empty()) due.erase(at);
        last = at;
        free.push_back(fired);
      }
      right = right && (due.empty() || due.begin()->first > now);
      right = right && queue.first() == (due.empty() ? base::kNever : due.begin()->first);
    }
    CHECK(right);
    CHECK(most > 20);
    CHECK(queue.empty() == due.empty());
    for (const auto& [deadline, those] : due) {
      for (auto* task : those) queue.remove(*task);
    }
    CHECK(queue.empty());
  }
}

TEST_CASE("only a deadline that a poll would miss wakes the driver") {
  test::RecordingWaker waker;
  test::StepTask a(waker), b(waker), c(waker), d(waker), e(waker);
  TimerQueue queue;
  CHECK(!queue.add(a, 500));  // nobody polls
  CHECK(queue.begin_poll(base::kNever) == 500);
  CHECK(!queue.add(b, 600));
  CHECK(!queue.add(c, 500));
  CHECK(queue.add(d, 499));
  queue.end_poll();
  CHECK(!queue.add(e, 1));
  CHECK(queue.begin_poll(0) == 0);
  queue.end_poll();
  CHECK(queue.begin_poll(300) == 1);
  queue.end_poll();
  queue.remove(e);
  CHECK(queue.begin_poll(300) == 300);
  queue.end_poll();
  for (auto* task : {&a, &b, &c, &d}) queue.remove(*task);
  CHECK(queue.begin_poll(base::kNever) == base::kNever);
  queue.end_poll();
}

// The task removes its timer as soon as it is resumed, and sets the next one.
TEST_CASE("a timer that fires meets its removal, and each suspension ends once") {
  test::RecordingWaker waker;
  TimerQueue queue;
  const int each = test::rounds(3'000);
  std::atomic<int> left{2};
  std::atomic<bool> wrong{false};
  test::StepTask tasks[2] = {test::StepTask(waker), test::StepTask(waker)};
  std::atomic<long> timed_out{0}, completed{0};
  test::parallelize(4, [&](int me) {
    if (me == 2) {
      while (left > 0) {
        fire(queue, 1'000);
        std::this_thread::yield();
      }
    } else if (me == 3) {
      while (left > 0) {
        for (auto& task : tasks) {
          (void)task.state().claim(task::WakeReason::kCompleted);
        }
        std::this_thread::yield();
      }
    } else {
      auto& task = tasks[me];
      for (int i = 0; i < each; ++i) {
        if (!task.state().begin_arming()) wrong = true;
        (void)queue.add(task, i % 2 ? 500 : 5'000);
        if (task.state().finish_arming()) {
          while (task.state().suspended()) std::this_thread::yield();
        }
        (task.state().reason() == task::WakeReason::kTimedOut ? timed_out : completed)++;
        queue.remove(task);
      }
      --left;
    }
  });
  CHECK(!wrong);
  CHECK(queue.size() == 0);
  CHECK(timed_out + completed == 2L * each);
}
