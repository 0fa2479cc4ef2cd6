#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <new>
#include <string>

#include "core/runtime.h"
#include "support/fake_runtime.h"
#include "support/step_task.h"
#include "support/stress.h"

using namespace tonio;
using Next = test::StepTask::Next;

TEST_CASE(
    "a runtime starts and stops, again and again, with other numbers of "
    "workers") {
  test::FakeHooks hooks;
  core::Runtime runtime(hooks);
  for (int i = 0; i < test::rounds(40); ++i) {
    core::Options options;
    options.threads = i % 5 + 1;
    std::string error;
    REQUIRE_MESSAGE(runtime.start(options, error), error);
    CHECK(runtime.running());
    CHECK(runtime.scheduler().workers() == options.threads);
    test::Countdown ended(20);
    std::deque<test::StepTask> tasks;
    for (int k = 0; k < 20; ++k) {
      tasks.emplace_back(
          runtime.scheduler(),
          [](test::StepTask& task) { return task.stage++ < 3 ? Next::kGiveWay : Next::kDone; },
          &ended);
      runtime.scheduler().spawn(tasks.back());
    }
    ended.wait();
    if (i % 3 == 0) {
      runtime.stop_workers();
      REQUIRE(runtime.start_workers(3, error));
    }
    runtime.begin_stop();
    CHECK(runtime.finish_stop(base::kNever).all());
    CHECK(!runtime.running());
    CHECK(hooks.states == 0);
  }
}

TEST_CASE("a runtime that can't get memory for its threads says so and can be started later") {
  test::FakeHooks hooks;
  core::Runtime runtime(hooks);
  core::Options options;
  options.threads = 3;
  std::string error;
  hooks.prepares_left = 1;
  CHECK_THROWS_AS((void)runtime.start(options, error), std::bad_alloc);
  CHECK(hooks.states == 0);
  hooks.prepares_left = -1;
  REQUIRE(runtime.start(options, error));
  runtime.begin_stop();
  CHECK(runtime.finish_stop(base::kNever).all());
}

TEST_CASE("a stop names workers and blocking threads that do not end") {
  auto* hooks = new test::FakeHooks;
  auto* runtime = new core::Runtime(*hooks);
  static test::Countdown entered(2), go, ended(2);
  core::Options options;
  options.threads = 2;
  std::string error;
  REQUIRE(runtime->start(options, error));
  struct Job final : scheduler::BlockingJob {
    void run() override {
      entered.count_down();
      go.wait();
      ended.count_down();
    }
    void tell() override {}
    void drop() override {}
  };
  auto* job = new Job;
  REQUIRE(runtime->blocking_pool().submit(*job));
  auto* task = new test::StepTask(
      runtime->scheduler(),
      [](test::StepTask&) {
        entered.count_down();
        go.wait();
        return Next::kDone;
      },
      &ended);
  runtime->scheduler().spawn(*task);
  entered.wait();
  runtime->begin_stop();
  const auto stopped = runtime->finish_stop(base::now() + 2'000);
  CHECK(!stopped.workers);
  CHECK(!stopped.blocking_threads);
  CHECK(!stopped.all());
  go.count_down();
  ended.wait();
  static void* left[] = {hooks, runtime, job, task};  // threads may still use them
  CHECK(left[0] != nullptr);
}

TEST_CASE("there is at least one usable CPU") { CHECK(core::default_threads() >= 1); }
