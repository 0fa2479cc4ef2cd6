#include "scheduler/backlog.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <vector>

#include "support/countdown.h"
#include "support/parallelize.h"
#include "support/range_task.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;

namespace {

struct Spawns {
  test::RecordingWaker waker;
  std::deque<test::StepTask> made;
  task::Task& make() { return made.emplace_back(waker); }
};

}  // namespace

TEST_CASE("roots take turns") {
  Spawns spawns;
  scheduler::Backlog backlog;
  CHECK(backlog.pop() == nullptr);
  task::Task& first = spawns.make();
  task::Task& second = spawns.make();
  backlog.push(first);
  backlog.push(second);
  for (int round = 0; round < 3; ++round) {
    for (task::Task* expected : {&first, &second}) {
      CHECK(backlog.pop() == expected);
      backlog.put_back(*expected);
    }
  }
  CHECK(backlog.pop() == &first);
  backlog.end_turn();
  CHECK(backlog.pop() == &second);
  backlog.end_turn();
  CHECK(backlog.empty());
}

TEST_CASE("what is spawned in a turn comes before what spawned it, in order") {
  Spawns spawns;
  scheduler::Backlog backlog;
  task::Task& root = spawns.make();
  task::Task& other = spawns.make();
  backlog.push(root);
  backlog.push(other);
  CHECK(backlog.pop() == &root);
  CHECK_FALSE(backlog.pushed_in_turn());
  task::Task& left = spawns.make();
  task::Task& right = spawns.make();
  backlog.push(left);
  backlog.push(right);
  CHECK(backlog.pushed_in_turn());
  backlog.put_back(root);

  // A nested one that is not done comes after what is nested in it, before its sibling.
  CHECK(backlog.pop() == &left);
  task::Task& below = spawns.make();
  backlog.push(below);
  backlog.put_back(left);
  for (task::Task* expected : {&below, &left, &right, &other, &root}) {
    CHECK(backlog.pop() == expected);
    backlog.end_turn();
  }
  CHECK(backlog.empty());
}

TEST_CASE("a root has a turn now and then while nested ones go on without end") {
  Spawns spawns;
  scheduler::Backlog backlog;
  task::Task& root = spawns.make();
  task::Task& other = spawns.make();
  backlog.push(root);
  CHECK(backlog.pop() == &root);
  task::Task& nested = spawns.make();
  backlog.push(nested);
  backlog.end_turn();
  backlog.push(other);
  int turns = 1;
  for (; turns < 1'000; ++turns) {
    task::Task* next = backlog.pop();
    backlog.put_back(*next);
    if (next == &other) break;
  }
  CHECK(turns < 200);
  while (backlog.pop()) backlog.end_turn();
}

TEST_CASE("few branches are open at a time, also where each takes many turns") {
  constexpr int kTurns = 200;
  Spawns spawns;
  scheduler::Backlog backlog;
  task::Task& root = spawns.make();
  backlog.push(root);
  std::map<task::Task*, int> open;  // branch -> turns that it has had
  std::size_t most = 0;
  for (int ended = 0; ended < 100;) {
    task::Task* next = backlog.pop();
    if (next == &root) {
      task::Task& branch = spawns.make();
      open[&branch] = 0;
      backlog.push(branch);
      backlog.put_back(root);
    } else if (++open[next] < kTurns) {
      backlog.put_back(*next);
    } else {
      backlog.end_turn();
      open.erase(next);
      ++ended;
    }
    most = std::max(most, open.size());
  }
  CHECK(most <= 5);
  while (backlog.pop()) backlog.end_turn();
}

TEST_CASE("a colleague takes half of the oldest root, or all of what can't be split") {
  test::RecordingWaker waker;
  test::Countdown ended(100);
  scheduler::Backlog backlog;
  CHECK(backlog.steal() == nullptr);
  auto* root = new test::RangeTask(
      waker, 0, 100, [](int) {}, ended);
  backlog.push(*root);
  auto* part = static_cast<test::RangeTask*>(backlog.steal());
  CHECK(part->size() == 50);
  CHECK(root->size() == 50);
  CHECK(backlog.pop() == root);
  Spawns spawns;
  task::Task& nested = spawns.make();
  backlog.push(nested);
  CHECK(backlog.steal() == &nested);
  // In its turn, too.
  auto* other = static_cast<test::RangeTask*>(backlog.steal());
  CHECK(other->size() == 25);
  backlog.put_back(*root);
  CHECK(backlog.pop() == root);
  backlog.end_turn();
  CHECK(backlog.empty());
  CHECK(backlog.steal() == nullptr);
  for (test::RangeTask* each : {root, part, other}) {
    while (each->run() == task::Task::Outcome::kToBacklog) {
    }
  }
  ended.wait();
}

TEST_CASE("each number of a large spawn is visited once while colleagues steal") {
  test::RecordingWaker waker;
  const int count = test::rounds(20'000);
  std::vector<std::atomic<int>> visits(static_cast<std::size_t>(count));
  test::Countdown ended(count);
  std::atomic<int> visited{0};
  const auto visit = [&](int number) {
    ++visits[static_cast<std::size_t>(number)];
    ++visited;
  };
  std::vector<scheduler::Backlog> backlogs(4);
  backlogs[0].push(*new test::RangeTask(waker, 0, count, visit, ended));
  test::parallelize(4, [&](int me) {
    scheduler::Backlog& mine = backlogs[static_cast<std::size_t>(me)];
    while (visited < count) {
      for (int i = 1; i < 4 && mine.empty(); ++i) {
        task::Task* stolen = backlogs[static_cast<std::size_t>((me + i) % 4)].steal();
        if (stolen) mine.push(*stolen);
      }
      task::Task* next = mine.pop();
      if (!next) continue;
      static_cast<test::RangeTask*>(next)->before_deletion([&] { mine.end_turn(); });
      if (next->run() == task::Task::Outcome::kToBacklog) mine.put_back(*next);
    }
  });
  ended.wait();
  // Of which the last parts have nothing left.
  for (scheduler::Backlog& backlog : backlogs) {
    while (task::Task* empty = backlog.pop()) {
      backlog.end_turn();
      CHECK(empty->run() == task::Task::Outcome::kGone);
    }
  }
  bool once = true;
  for (const auto& number : visits) once = once && number == 1;
  CHECK(once);
}
