// What a scheduler needs around it, without a reactor and without an
// interpreter.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "scheduler/driver.h"
#include "scheduler/thread_hooks.h"
#include "task/task.h"

namespace tonio::test {

// Checks that every thread follows the protocol of ThreadHooks.
class FakeHooks final : public scheduler::ThreadHooks {
 public:
  ~FakeHooks() { TONIO_CHECK(states == 0); }

  void* prepare() override {
    if (prepares_left >= 0 && prepares_left-- == 0) return nullptr;
    ++states;
    return new State;
  }
  void enter(void* state) override { set(state, false, true); }
  void detach(void* state) override { set(state, true, false); }
  void attach(void* state) override { set(state, false, true); }
  bool unsettled(void*) override { return to_settle != nullptr; }
  void settle(void* state) override {
    attach(state);
    if (const auto* finalizer = to_settle.exchange(nullptr)) (*finalizer)();
    detach(state);
    ++settled;
    settled.notify_all();
  }
  void leave(void* state) override {
    set(state, true, false);
    // Other threads get a chance to come in between, as while an interpreter
    // cleans up.
    for (int i = 0; i < 3; ++i) std::this_thread::yield();
    discard(state);
  }
  void discard(void* state) override {
    delete static_cast<State*>(state);
    --states;
  }

  void all_idle() override {
    TONIO_CHECK(!attached());
    ++idle_reports;
  }

  // Whether the calling thread, one of the runtime's, is attached.
  static bool attached() { return attached_here(); }

  std::atomic<int> states{0};
  std::atomic<int> settled{0};
  // What the next worker that looks has to settle.
  std::atomic<const std::function<void()>*> to_settle{nullptr};
  // prepare() succeeds so many times; -1: always.
  std::atomic<int> prepares_left{-1};
  std::atomic<int> idle_reports{0};

 private:
  struct State {
    bool attached = false;
  };

  static bool& attached_here() {
    static thread_local bool attached = false;
    return attached;
  }
  static void set(void* state, bool before, bool after) {
    auto* self = static_cast<State*>(state);
    TONIO_CHECK(self->attached == before);
    self->attached = after;
    attached_here() = after;
  }
};

// Readiness is what the test posts. Checks that one thread polls at a time, and
// that it is detached when it blocks.
class FakeDriver final : public scheduler::Driver {
 public:
  void poll(base::Instant deadline, task::TaskList& ready) override {
    TONIO_CHECK(!polling_.exchange(true));
    TONIO_CHECK(deadline == 0 || !FakeHooks::attached());
    std::unique_lock lock(mutex_);
    ++polls_;
    if (deadline == base::kNever) ++endless_;
    changed_.notify_all();
    const auto reason = [this] { return woken_ || !posted_.empty() || !due_.empty(); };
    if (deadline == base::kNever) {
      changed_.wait(lock, reason);
    } else if (deadline != 0) {
      const base::Instant left = deadline - base::now();
      if (left > 0) changed_.wait_for(lock, std::chrono::microseconds(left), reason);
    }
    if (deadline == base::kNever) --endless_;
    woken_ = false;
    ready.append(posted_);
    lock.unlock();
    polling_ = false;
  }

  void fire_timers(std::size_t most, task::TaskList& due) override {
    std::lock_guard lock(mutex_);
    ++timer_looks_;
    due.take_front(due_, most);
  }

  void wake() override {
    std::lock_guard lock(mutex_);
    woken_ = true;
    changed_.notify_all();
  }

  // The next poll, or the one under way, gives this owned task.
  void post(task::Task& task) {
    std::lock_guard lock(mutex_);
    posted_.push_back(task);
    changed_.notify_all();
  }

  // The next look at the timers gives this owned task.
  void fire(task::Task& task) {
    std::lock_guard lock(mutex_);
    due_.push_back(task);
    changed_.notify_all();
  }

  // Until all workers are idle: then one blocks in a poll without end.
  void wait_until_idle() {
    std::unique_lock lock(mutex_);
    TONIO_CHECK(changed_.wait_for(lock, std::chrono::seconds(60), [this] { return endless_ > 0; }));
  }

  long polls() {
    std::lock_guard lock(mutex_);
    return polls_;
  }
  // Looks at the timers.
  long timer_looks() {
    std::lock_guard lock(mutex_);
    return timer_looks_;
  }

 private:
  std::atomic<bool> polling_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  bool woken_ = false;
  int endless_ = 0;
  long polls_ = 0, timer_looks_ = 0;
  task::TaskList posted_, due_;
};

}  // namespace tonio::test
