#include "scheduler/blocking_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <deque>
#include <functional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "support/countdown.h"
#include "support/fake_runtime.h"
#include "support/parallelize.h"
#include "support/stress.h"

using namespace tonio;
using namespace std::chrono_literals;
using scheduler::BlockingPool;

namespace {

class Job final : public scheduler::BlockingJob {
 public:
  explicit Job(std::function<void()> body) : body_(std::move(body)) {}
  // A test that has seen the body's effect may be done with the job before the pool is.
  ~Job() {
    while (begun_ && !told_) std::this_thread::yield();
  }
  void run() override {
    begun_ = true;
    TONIO_CHECK(test::FakeHooks::attached());
    body_();
  }
  void tell() override {
    TONIO_CHECK(test::FakeHooks::attached());
    if (when_told) when_told();
    told_ = true;
  }
  void drop() override { ++dropped; }

  std::function<void()> when_told;

  std::atomic<int> dropped{0};

 private:
  const std::function<void()> body_;
  std::atomic<bool> begun_{false}, told_{false};
};

void finish(BlockingPool& pool) {
  pool.close();
  CHECK(pool.join(base::kNever));
}

}  // namespace

TEST_CASE("the pool grows while all its threads are busy, up to its maximum") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(3, 60s);
  test::Countdown three_run(3), go, ended(5);
  std::atomic<int> running{0}, most{0};
  std::deque<Job> jobs;
  for (int i = 0; i < 5; ++i) {
    jobs.emplace_back([&] {
      most = std::max(most.load(), ++running);
      three_run.count_down();
      go.wait();
      --running;
      ended.count_down();
    });
    REQUIRE(pool.submit(jobs.back()));
  }
  three_run.wait();
  CHECK(hooks.states == 3);
  CHECK(pool.pending() == 5);
  go.count_down();
  ended.wait();
  CHECK(most == 3);
  finish(pool);
  CHECK(hooks.states == 0);
}

TEST_CASE("idle threads are used again, and end after their time") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(8, 60s);
  for (int i = 0; i < 100; ++i) {
    test::Countdown ended;
    Job job([&] { ended.count_down(); });
    REQUIRE(pool.submit(job));
    ended.wait();
    while (pool.pending() != 0) std::this_thread::yield();
  }
  CHECK(hooks.states <= 3);
  finish(pool);

  pool.reopen();
  pool.configure(8, 1ms);
  test::Countdown ended;
  Job job([&] { ended.count_down(); });
  REQUIRE(pool.submit(job));
  ended.wait();
  while (hooks.states != 0) std::this_thread::yield();
  finish(pool);
}

TEST_CASE("work handed over just as a thread's time is up is not lost") {
  for (const auto ttl : {0ms, 1ms}) {
    for (const unsigned max : {1u, 2u}) {
      test::FakeHooks hooks;
      BlockingPool pool(hooks);
      pool.configure(max, ttl);
      const int each = test::rounds(2'000);
      // As many as there may be threads: nobody else's job saves a lost one.
      test::parallelize(static_cast<int>(max), [&](int me) {
        for (int i = 0; i < each; ++i) {
          test::Countdown ended;
          Job job([&] { ended.count_down(); });
          if (!pool.submit(job)) std::abort();
          ended.wait();
          // Into all parts of the thread's end.
          const base::Instant until = base::now() + (i * 37 + me * 11) % 1'500;
          while (ttl != 0ms && base::now() < until) std::this_thread::yield();
        }
      });
      finish(pool);
    }
  }
}

TEST_CASE("a job that is withdrawn in time doesn't run") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(1, 60s);
  test::Countdown entered, go, ended;
  Job first([&] {
    entered.count_down();
    go.wait();
    ended.count_down();
  });
  std::atomic<int> ran{0};
  Job second([&] { ++ran; });
  REQUIRE(pool.submit(first));
  entered.wait();
  REQUIRE(pool.submit(second));
  CHECK(!pool.withdraw(first));
  CHECK(pool.withdraw(second));
  CHECK(!pool.withdraw(second));
  go.count_down();
  ended.wait();
  finish(pool);
  CHECK(ran == 0);
  CHECK(second.dropped == 0);
}

TEST_CASE("withdrawal races with the start of the job: one of the two wins") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(4, 60s);
  for (int i = 0; i < test::rounds(5'000); ++i) {
    std::atomic<int> ran{0};
    Job job([&] { ++ran; });
    REQUIRE(pool.submit(job));
    for (int spin = i % 200; spin > 0; --spin) std::this_thread::yield();
    if (!pool.withdraw(job)) {
      while (ran == 0) std::this_thread::yield();
      while (pool.pending() != 0) std::this_thread::yield();  // the job is ours again
    } else if (ran != 0) {
      FAIL("ran although withdrawn");
    }
  }
  finish(pool);
}

TEST_CASE("closing drops what waits, refuses what comes, and waits for what runs") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(1, 60s);
  test::Countdown entered, go, ended;
  Job running([&] {
    entered.count_down();
    go.wait();
    ended.count_down();
  });
  Job waiting([] { std::abort(); }), late([] { std::abort(); });
  REQUIRE(pool.submit(running));
  entered.wait();
  REQUIRE(pool.submit(waiting));
  pool.close();
  CHECK(waiting.dropped == 1);
  CHECK(!pool.submit(late));
  CHECK(late.dropped == 0);
  std::thread letter([&] { go.count_down(); });
  CHECK(pool.join(base::now() + 60'000'000));
  letter.join();
  CHECK(ended.reached());
  CHECK(hooks.states == 0);
}

TEST_CASE("a join gives up on a job that does not end") {
  auto* hooks = new test::FakeHooks;
  auto* pool = new BlockingPool(*hooks);
  static test::Countdown entered, go, ended;
  auto* job = new Job([] {
    entered.count_down();
    go.wait();
    ended.count_down();
  });
  REQUIRE(pool->submit(*job));
  entered.wait();
  pool->close();
  CHECK(!pool->join(base::now() + 2'000));
  go.count_down();
  ended.wait();
  static void* left[] = {hooks, pool, job};
  CHECK(left[0] != nullptr);
}

TEST_CASE("without a thread and a state for one, a job is refused") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  hooks.prepares_left = 0;
  Job job([] { std::abort(); });
  CHECK_THROWS_AS((void)pool.submit(job), std::bad_alloc);
  CHECK(pool.pending() == 0);
  hooks.prepares_left = -1;
  test::Countdown ended;
  Job other([&] { ended.count_down(); });
  CHECK(pool.submit(other));
  ended.wait();
  finish(pool);
}

TEST_CASE("many submit while the pool closes: each job is run, dropped or refused") {
  for (int round = 0; round < test::rounds(50); ++round) {
    test::FakeHooks hooks;
    BlockingPool pool(hooks);
    pool.configure(4, round % 2 ? 0ms : 1000ms);
    std::atomic<int> ran{0}, refused{0};
    std::vector<std::deque<Job>> jobs(3);
    test::parallelize(4, [&](int me) {
      if (me == 3) {
        while (ran < 20) std::this_thread::yield();
        pool.close();
        return;
      }
      for (int i = 0; i < 200; ++i) {
        jobs[me].emplace_back([&] { ++ran; });
        if (!pool.submit(jobs[me].back())) ++refused;
      }
    });
    CHECK(pool.join(base::kNever));
    int dropped = 0;
    for (auto& list : jobs) {
      for (auto& job : list) dropped += job.dropped;
    }
    CHECK(ran + refused + dropped == 600);
  }
}

TEST_CASE("jobs one after the other are run, whether the threads sleep by then or not") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(3, 60s);
  // Sometimes two or three at a time, so that some sleep while another leaves its job.
  for (int round = 0; round < test::rounds(2'000); ++round) {
    const int count = round % 50 == 0 ? 3 : 1 + round % 2;
    test::Countdown ran(count);
    std::deque<Job> jobs;
    for (int i = 0; i < count; ++i) {
      REQUIRE(pool.submit(jobs.emplace_back([&] { ran.count_down(); })));
    }
    ran.wait();
    // Up to about the moment at which a thread falls asleep.
    const base::Instant until = base::now() + round % 80;
    while (base::now() < until) {
    }
    while (pool.busy()) std::this_thread::yield();
  }
  finish(pool);
}

TEST_CASE("a job wakes a sleeping thread, which would look for itself much later") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(1, 60s);
  base::Instant quickest = base::kNever;
  for (int round = 0; round < 3; ++round) {
    const base::Instant submitted = base::now();
    test::Countdown ran(1);
    Job job([&] { ran.count_down(); });
    REQUIRE(pool.submit(job));
    ran.wait();
    if (round > 0) quickest = std::min(quickest, base::now() - submitted);
    // After the fifth time it sleeps for 640 ms.
    for (const int before = hooks.settled; hooks.settled < before + 5;) {
      hooks.settled.wait(hooks.settled);
    }
  }
  CHECK(quickest < 300'000);
  finish(pool);
}

TEST_CASE("who is told that a call is over has a thread for the next one") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(8, 60s);
  test::Countdown ended;
  Job second([&] { ended.count_down(); });
  Job first([] {});
  first.when_told = [&] {
    CHECK(pool.pending() == 1);
    CHECK(pool.busy());
    REQUIRE(pool.submit(second));
  };
  REQUIRE(pool.submit(first));
  ended.wait();
  CHECK(hooks.states == 1);
  finish(pool);
}

TEST_CASE("calls of several callers, one after the other each, take few threads") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(64, 60s);
  constexpr int kCallers = 4;
  test::parallelize(kCallers, [&](int) {
    for (int i = 0; i < test::rounds(2'000); ++i) {
      test::Countdown ran(1);
      Job job([&] { ran.count_down(); });
      if (!pool.submit(job)) std::abort();
      ran.wait();
    }
  });
  CHECK(hooks.states <= 2 * kCallers);
  finish(pool);
}

TEST_CASE("the thread that was idle last is called first, so that others come to their end") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  constexpr int kBurst = 8;
  pool.configure(kBurst, 60s);
  {
    test::Countdown all_run(kBurst);
    std::deque<Job> jobs;
    for (int i = 0; i < kBurst; ++i) {
      REQUIRE(pool.submit(jobs.emplace_back([&] {
        all_run.count_down();
        all_run.wait();
      })));
    }
    all_run.wait();
    while (pool.busy()) std::this_thread::yield();
  }
  // Once idle they settle.
  while (hooks.settled < kBurst) hooks.settled.wait(hooks.settled);
  CHECK(hooks.states == kBurst);
  std::set<std::thread::id> used;
  for (int i = 0; i < 100; ++i) {
    test::Countdown ran(1);
    Job job([&] {
      used.insert(std::this_thread::get_id());
      ran.count_down();
    });
    REQUIRE(pool.submit(job));
    ran.wait();
    while (pool.busy()) std::this_thread::yield();
  }
  // One that settles just when a call comes is not called.
  CHECK(used.size() <= 2);
  finish(pool);
}

TEST_CASE("an idle thread settles now and then, and takes work in between") {
  test::FakeHooks hooks;
  BlockingPool pool(hooks);
  pool.configure(1, 60s);
  for (int round = 0; round < 3; ++round) {
    test::Countdown ran(1);
    Job job([&] { ran.count_down(); });
    REQUIRE(pool.submit(job));
    ran.wait();
    for (int seen = hooks.settled; hooks.settled < seen + 2;) hooks.settled.wait(hooks.settled);
  }
  finish(pool);
}
