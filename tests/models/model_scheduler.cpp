// Scheduler, Worker and Idle, whole: no task stays in a queue while all workers sleep, each
// runs once, an event of the driver is handled, and stop() ends every worker.
//
// Deadlines can pass, but at rest, when only a deadline could go on, nothing may be queued:
// the watch of a sleeping worker must not be what saves a lost wake-up.
#include "model.h"
#include "scheduler/scheduler.h"

using namespace tonio;
using namespace tonio::model;
using scheduler::Scheduler;

namespace {

// Readiness is what the program posts.
class Driver final : public scheduler::Driver {
 public:
  void poll(base::Instant deadline, task::TaskList& ready) override {
    for (;;) {
      const std::uint32_t seen = signal_.exchange(0, std::memory_order_acq_rel);
      {
        base::MutexLock lock(mutex_);
        ready.append(posted_);
      }
      if (seen != 0 || deadline == 0 || !ready.empty()) return;
      if (!base::futex_wait(signal_, 0, deadline)) return;
    }
  }
  void fire_timers(std::size_t, task::TaskList&) override {}
  void wake() override {
    signal_.store(1, std::memory_order_release);
    base::futex_wake(signal_, 1);
  }
  void post(task::Task& task) {
    {
      base::MutexLock lock(mutex_);
      posted_.push_back(task);
    }
    wake();
  }

 private:
  base::Atomic<std::uint32_t> signal_{0};  // as an eventfd's counter
  base::Mutex mutex_;
  task::TaskList posted_;
};

class Hooks final : public scheduler::ThreadHooks {
 public:
  void* prepare() override { return this; }
  void enter(void*) override {}
  void detach(void*) override {}
  void attach(void*) override {}
  void leave(void*) override {}
  void discard(void*) override {}
  bool unsettled(void*) override {
    return settles && finalizer_.load(std::memory_order_seq_cst) != nullptr;
  }
  void settle(void*) override {
    if (const auto* finalizer = finalizer_.exchange(nullptr)) (*finalizer)();
  }
  // The next worker that looks runs it.
  void leave_behind(const std::function<void()>& finalizer) {
    finalizer_.store(&finalizer, std::memory_order_seq_cst);
  }

  bool settles = false;  // set before the start: looking is a step of its own

 private:
  base::Atomic<const std::function<void()>*> finalizer_{nullptr};
};

struct Machine {
  Machine() : scheduler(driver, hooks) {
    Explorer::current().at_rest([this] {
      require(queued == 0, "no lost wake: no task is queued while all workers sleep");
    });
  }

  void start(unsigned workers) { require(scheduler.start(workers), "threads can be had"); }
  // Until all workers sleep: only then a deadline is what goes on.
  void rest() {
    base::Atomic<std::uint32_t> nobody{0};
    base::futex_wait(nobody, 0, base::now() + 1);
  }
  void stop() { require(scheduler.stop(base::kNever), "every worker ends"); }

  Driver driver;
  Hooks hooks;
  Scheduler scheduler;
  int queued = 0;  // tasks that are to run and have not begun; looked at when all stands still
};

// Runs its body once.
class Job final : public task::Task {
 public:
  Job(Machine& machine, std::function<void()> body)
      : Task(machine.scheduler), machine_(machine), body_(std::move(body)) {}

  void spawn() {
    ++machine_.queued;
    machine_.scheduler.spawn(*this);
  }
  void wake_up() {
    ++machine_.queued;
    wake();
  }
  void spawn_in_list() {
    ++machine_.queued;
    task::TaskList list;
    list.push_back(*this);
    machine_.scheduler.spawn(list);
  }
  void spawn_large() {
    ++machine_.queued;
    machine_.scheduler.spawn_large(*this);
  }
  // By a task that goes on: the watch may be what saves it.
  void spawn_alone() { machine_.scheduler.spawn(*this); }
  void post() { machine_.driver.post(*this); }
  void wait() { ran_.wait(); }

  Outcome run() override {
    stack_.touch("a task has one owner at a time");
    require(runs_++ == 0, "a task is run exactly once");
    if (machine_.queued > 0) --machine_.queued;
    if (body_) body_();
    if (scheduler::Worker* worker = Scheduler::current()) worker->end_turn();
    ran_.set();
    return Outcome::kGone;
  }

 private:
  Machine& machine_;
  std::function<void()> body_;
  Owned stack_;
  int runs_ = 0;
  Flag ran_;
};

// Wakes another task and gives way.
class Partner final : public task::Task {
 public:
  Partner(Machine& machine, Job& other) : Task(machine.scheduler), other_(other) {}

  void wait() { ended_.wait(); }

  Outcome run() override {
    if (runs_++ == 0) {
      other_.wake();
      return Outcome::kGaveWay;
    }
    ended_.set();
    return Outcome::kGone;
  }

 private:
  Job& other_;
  int runs_ = 0;
  Flag ended_;
};

void spawn_meets_start(unsigned workers) {
  Machine machine;
  Job job(machine, nullptr);
  machine.start(workers);
  job.spawn();
  job.wait();
  machine.stop();
}

void spawns_from_two_threads() {
  Machine machine;
  Job first(machine, nullptr), second(machine, nullptr);
  machine.start(1);
  machine.rest();
  parallel([&] { first.spawn(); }, [&] { second.wake_up(); });
  first.wait();
  second.wait();
  machine.stop();
}

// Each of two tasks needs a worker of its own to end.
void two_tasks_meet() {
  Machine machine;
  Flag here, there;
  Job first(machine, [&] {
    here.set();
    there.wait();
  });
  Job second(machine, [&] {
    there.set();
    here.wait();
  });
  machine.start(2);
  machine.rest();
  first.spawn();
  second.spawn();
  first.wait();
  second.wait();
  machine.stop();
}

// What a running task spawns in a list is run by a colleague while it goes on.
void spawn_from_a_task() {
  Machine machine;
  Job second(machine, nullptr);
  Job first(machine, [&] {
    second.spawn_in_list();
    second.wait();
  });
  machine.start(2);
  machine.rest();
  first.spawn();
  first.wait();
  machine.stop();
}

// A large spawn of a running task is made by a colleague while it goes on.
void large_spawn_from_a_task() {
  Machine machine;
  Job second(machine, nullptr);
  Job first(machine, [&] {
    second.spawn_large();
    second.wait();
  });
  machine.start(2);
  machine.rest();
  first.spawn();
  first.wait();
  machine.stop();
}

// The worker that is woken has a finalizer to run first, which waits for the task.
void spawn_meets_a_finalizer(bool by_readiness) {
  Machine machine;
  machine.hooks.settles = true;
  Job job(machine, nullptr);
  const std::function<void()> finalizer = [&] { job.wait(); };
  machine.start(2);
  machine.rest();
  machine.hooks.leave_behind(finalizer);
  by_readiness ? job.post() : job.spawn();
  job.wait();
  machine.stop();
}

void readiness_meets_sleepers() {
  Machine machine;
  Job job(machine, nullptr);
  machine.start(2);
  machine.rest();
  job.post();
  job.wait();
  machine.stop();
}

// The driver is left by a worker whose task goes on until the driver's next event is
// handled: somebody has been asked to watch.
void somebody_watches_the_driver() {
  Machine machine;
  Job second(machine, nullptr);
  Job first(machine, [&] {
    second.post();
    second.wait();
  });
  machine.start(2);
  first.post();
  first.wait();
  machine.stop();
}

// A task that was woken runs next on the worker that woke it; when that is stuck, a
// colleague gets it.
void woken_behind_a_stuck_step() {
  Machine machine;
  Job second(machine, nullptr);
  Job first(machine, [&] {
    second.wake();
    second.wait();
  });
  machine.start(2);
  first.spawn();
  first.wait();
  machine.stop();
}

// Two tasks that wake each other stay together, and no colleague is told; when the step of one
// lasts, a colleague gets the other.
void partner_behind_a_stuck_step() {
  Machine machine;
  Partner* partner = nullptr;
  Job job(machine, [&] { partner->wait(); });
  Partner first(machine, job);
  partner = &first;
  machine.start(2);
  machine.rest();
  machine.scheduler.spawn(first);
  job.wait();
  machine.stop();
}

// One alone wakes no colleague; when its spawner is stuck, one gets it all the same.
void spawned_behind_a_stuck_step() {
  Machine machine;
  Job second(machine, nullptr);
  Job first(machine, [&] {
    second.spawn_alone();
    second.wait();
  });
  machine.start(2);
  first.spawn();
  first.wait();
  machine.stop();
}

void stop_meets_park(unsigned workers) {
  Machine machine;
  machine.start(workers);
  machine.stop();
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds orders{1, 0}, narrow{1, 1}, normal{2, 1}, deep{2, 2}, deeper{3, 1};
  return {{"a spawn meets one worker", normal, deeper, [] { spawn_meets_start(1); }},
          {"two tasks need a worker each", narrow, normal, two_tasks_meet},
          {"a task's spawn is run by a colleague", narrow, normal, spawn_from_a_task},
          {"a task's large spawn is made by a colleague", narrow, normal, large_spawn_from_a_task},
          {"a spawn meets the start of two workers", orders, narrow, [] { spawn_meets_start(2); }},
          {"two threads hand over to one worker", narrow, normal, spawns_from_two_threads},
          {"readiness meets two sleepers", narrow, normal, readiness_meets_sleepers},
          {"a spawn meets a finalizer", orders, narrow, [] { spawn_meets_a_finalizer(false); }},
          {"readiness meets a finalizer", orders, narrow, [] { spawn_meets_a_finalizer(true); }},
          {"somebody watches the driver", orders, narrow, somebody_watches_the_driver},
          {"a task woken behind a stuck step", orders, narrow, woken_behind_a_stuck_step},
          {"a partner behind a stuck step", orders, narrow, partner_behind_a_stuck_step},
          {"a task spawned behind a stuck step", orders, narrow, spawned_behind_a_stuck_step},
          {"stop meets one worker's park", normal, deeper, [] { stop_meets_park(1); }},
          {"stop meets two workers' park", normal, deep, [] { stop_meets_park(2); }}};
}
