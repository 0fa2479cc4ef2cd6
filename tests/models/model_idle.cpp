// Idle, with the Parkers of the workers that it counts: no work is left while a worker sleeps,
// for one park a worker is woken once, and the counters are right whenever all stands still.
//
// What a worker does follows thread_main, run and park of runtime/scheduler/worker.cpp, without
// queues, driver and finalizers; who pushes follows Scheduler::notify. Only searchers look for
// what is pushed, as for the work in a colleague's queue.
#include <memory>
#include <optional>
#include <utility>

#include "model.h"
#include "scheduler/idle.h"
#include "scheduler/parker.h"

using namespace tonio;
using namespace tonio::model;
using scheduler::Idle;
using scheduler::Parker;

namespace {

enum class Steps { kShort, kLong };  // a long one lasts as long as Machine::finish lets it

class Machine {
 public:
  Machine(unsigned workers, unsigned pieces, Steps steps = Steps::kShort)
      : idle_(workers), steps_(steps) {
    for (unsigned i = 0; i < workers; ++i) crew_.push_back(std::make_unique<Worker>(*this, i));
    for (unsigned i = 0; i < pieces; ++i) pieces_.push_back(std::make_unique<Piece>());
  }

  void start(unsigned worker) {
    threads_.push_back(base::start_thread("", [this, worker] { crew_[worker]->main(); }));
  }
  // Something else at the same time.
  template <typename Main>
  void beside(Main main) {
    threads_.push_back(base::start_thread("", std::move(main)));
  }
  // Until all workers sleep, or are in a long step.
  void rest() { Explorer::current().rest(); }

  void push(unsigned piece) {
    put(piece);
    notify();
  }
  // Tells nobody.
  void put(unsigned piece) {
    pieces_[piece]->content.touch("the work is its maker's before it is pushed");
    pieces_[piece]->there.store(1, std::memory_order_release);
  }

  // Before the start, when there is a rouse(): looking for it is a step of its own.
  void expect_rouse() { rouses_ = true; }
  // Makes a worker stop sleeping by itself, as Scheduler::wake_unsettled does.
  void rouse(unsigned worker) {
    crew_[worker]->roused.store(1, std::memory_order_release);
    (void)crew_[worker]->parker.unpark();
  }

  // All the workers have been started, and all the work has been pushed.
  void finish() {
    rest();
    for (const auto& piece : pieces_) {
      require(piece->runs > 0, "no lost wake: no work is left while a worker sleeps");
      require(piece->runs == 1, "each piece of work is run once");
    }
    for (auto& worker : crew_) {
      worker->step_ends.set();
      rest();
    }
    check_counters();
    for (unsigned i = 0; i < crew_.size(); ++i) {
      crew_[i]->stopping = true;
      (void)crew_[i]->parker.unpark();
      rest();
    }
    for (base::Thread& thread : threads_) thread.join();
  }

 private:
  struct Piece {
    base::Atomic<std::uint32_t> there{0};
    Owned content;
    unsigned runs = 0;
  };

  struct Worker {
    Worker(Machine& of, unsigned number) : machine(of), index(number) {}

    void main() {
      while (!stopping) {
        Piece* piece = search();
        piece ? run(*piece) : park();
      }
    }

    Piece* search() {
      if (!searching) searching = machine.idle_.begin_searching();
      return searching ? machine.take() : nullptr;
    }

    void run(Piece& piece) {
      stop_searching();
      piece.content.touch("who runs the work sees what was done before its push");
      ++piece.runs;
      if (machine.steps_ == Steps::kLong) step_ends.wait();
    }

    void stop_searching() {
      if (!std::exchange(searching, false)) return;
      if (machine.idle_.end_searching()) machine.notify();
    }

    void park() {
      const bool was_searching = std::exchange(searching, false);
      ++parks;
      if (machine.idle_.park(index, was_searching) && machine.work_waits()) machine.notify();
      while (!stopping) {
        if (machine.rouses_ && roused.exchange(0, std::memory_order_acquire) != 0) {
          searching = !machine.idle_.unpark(index);
          if (!searching) ++ends;
          break;
        }
        require(parker.sleep(base::kNever).notified, "a sleep without end ends with a token");
        if (!machine.idle_.parked(index)) {
          searching = true;  // a notifier has counted it as one
          break;
        }
      }
    }

    Machine& machine;
    const unsigned index;
    Parker parker;
    base::Atomic<std::uint32_t> roused{0};
    Flag step_ends;
    bool searching = false;
    bool stopping = false;  // set when all stands still
    unsigned parks = 0;
    unsigned ends = 0;  // of parks: counted by whoever has taken it out of the parked ones
  };

  // Scheduler::notify
  void notify() {
    const std::optional<unsigned> worker = idle_.worker_to_notify();
    if (!worker) return;
    ++crew_[*worker]->ends;
    (void)crew_[*worker]->parker.unpark();
  }

  Piece* take() {
    for (auto& piece : pieces_) {
      if (piece->there.load(std::memory_order_acquire) == 0) continue;
      if (piece->there.exchange(0, std::memory_order_acq_rel) != 0) return piece.get();
    }
    return nullptr;
  }
  // Scheduler::work_waits
  bool work_waits() const {
    for (const auto& piece : pieces_) {
      if (piece->there.load(std::memory_order_acquire) != 0) return true;
    }
    return false;
  }

  // Of workers that all sleep. They wake at their stop only.
  void check_counters() {
    for (const auto& worker : crew_) {
      require(worker->ends + 1 == worker->parks, "a worker is woken once for each park");
    }
    require(!idle_.somebody_runs(), "counters: nobody runs while all sleep");
    for (unsigned i = 0; i < crew_.size(); ++i) {
      require(idle_.worker_to_notify().has_value(), "counters: nobody searches while all sleep");
      require(!idle_.worker_to_notify(), "counters: who is woken counts as a searcher");
      require(idle_.end_searching(), "counters: it is the only one");
    }
    require(!idle_.somebody_sleeps(), "counters: all have been woken");
  }

  Idle idle_;
  const Steps steps_;
  bool rouses_ = false;
  std::vector<std::unique_ptr<Worker>> crew_;
  std::vector<std::unique_ptr<Piece>> pieces_;
  std::vector<base::Thread> threads_;
};

void push_meets_park() {
  Machine machine(1, 1);
  machine.start(0);
  machine.push(0);
  machine.finish();
}

void two_pushes_meet_a_sleeper() {
  Machine machine(1, 2);
  machine.start(0);
  machine.rest();
  machine.beside([&] { machine.push(0); });
  machine.push(1);
  machine.finish();
}

// One of them searches, so the other parks without having looked.
void push_meets_two_parks() {
  Machine machine(2, 1);
  machine.start(0);
  machine.start(1);
  machine.push(0);
  machine.finish();
}

// Whichever of the two pieces the searcher finds, a colleague has to be woken for the other.
void push_meets_the_last_searcher() {
  Machine machine(2, 2, Steps::kLong);
  machine.start(0);
  machine.rest();
  machine.put(0);
  machine.start(1);
  machine.push(1);
  machine.finish();
}

// The worker stops sleeping as a notifier chooses it.
void push_meets_a_worker_that_wakes() {
  Machine machine(1, 1);
  machine.expect_rouse();
  machine.start(0);
  machine.rest();
  machine.beside([&] { machine.rouse(0); });
  machine.push(0);
  machine.finish();
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds orders{kNoBound, 0}, stale{kNoBound, 1}, staler{kNoBound, 2};
  const Bounds normal{2, 1}, deep{3, 1};
  return {{"a push meets a worker that parks", {}, {}, push_meets_park},
          {"a push meets two workers that park", normal, deep, push_meets_two_parks},
          {"a push meets the last searcher", stale, staler, push_meets_the_last_searcher},
          {"a push meets a worker that wakes", stale, {}, push_meets_a_worker_that_wakes},
          {"two pushes meet a sleeper", orders, {}, two_pushes_meet_a_sleeper}};
}
