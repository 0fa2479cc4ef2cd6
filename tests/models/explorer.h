// Runs a small program of several threads in every order (README.md).
//
// The program's threads are fibers of one thread. Before each operation on an atomic object,
// a fence or a futex they stop at a *point*, where the explorer chooses who goes on; a load
// chooses which of the stores it gives. Each run follows a list of choices; the next run
// differs in the last choice that has an alternative left, until none has.
#pragma once

#include <csetjmp>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "base/clock.h"
#include "memory.h"

namespace tonio::model {

inline constexpr unsigned kNoBound = std::numeric_limits<unsigned>::max();

// What is tried. All schedules: kNoBound preemptions; orders that differ only in operations
// that don't concern each other are tried once then (sleep sets: Godefroid, "Partial-Order
// Methods for the Verification of Concurrent Systems", 1996).
struct Bounds {
  // Times, in one run, that a thread which could go on is held up, or a deadline passes
  // before it must (Musuvathi, Qadeer: "Iterative context bounding", PLDI 2007).
  unsigned preemptions = kNoBound;
  // Loads, in one run, that give another store than the newest.
  unsigned stale_loads = kNoBound;
};

struct Result {
  std::uint64_t schedules = 0;  // runs to the end
  std::uint64_t points = 0;     // operations in all of them
  std::string failure;          // the broken property with the run that breaks it; or empty
};

// What a thread is about to do, as far as the order with others matters.
struct Access {
  static constexpr Location kNone = ~Location{0};
  Location at = kNone;
  bool writes = false;
  bool fence = false;
  bool consistent = false;  // sequentially consistent
};

class Explorer {
 public:
  Explorer(Bounds bounds, std::function<void()> program);
  ~Explorer();

  Result explore();

  // For the program and what stands in for the system below it: the one that runs.
  static Explorer& current();

  // A broken property: ends the exploration.
  [[noreturn]] void fail(const std::string& what);

  unsigned start_thread(std::function<void()> main);
  // Until that thread has ended.
  void join(unsigned thread);
  // Until no other thread can go on: all sleep or have ended.
  void rest(std::source_location where = std::source_location::current());
  unsigned running() const { return running_; }
  // A slot of the running thread for base::OfThread.
  void*& own_slot() { return threads_[running_]->own_slot; }

  // One of 0 … count - 1; all are tried.
  unsigned choose(unsigned count);

  Memory& memory() { return memory_; }
  ThreadViews& views() { return threads_[running_]->views; }
  void point(Access access, std::source_location where, const char* what);
  // Which of the stores in [oldest, newest] a load gives.
  std::size_t choose_store(std::size_t oldest, std::size_t newest);
  void note(std::uint64_t value) { trace_.back().value = value; }

  // False: the deadline has passed.
  bool wait(Location at, std::uint32_t expected, base::Instant deadline,
            std::source_location where);
  void wake(Location at, int count, std::source_location where);

  // Of a lock: one step, made when it is free.
  void lock(Location at, std::source_location where);
  bool try_lock(Location at, std::source_location where);
  void unlock(Location at, std::source_location where);

  base::Instant now() const { return now_; }
  // Called when no thread can go on but by a deadline: whether that may be.
  void at_rest(std::function<void()> check) { at_rest_ = std::move(check); }

 private:
  struct Thread {
    enum class Status { kReady, kWaits, kRests, kEnded };
    std::function<void()> main;
    std::unique_ptr<char[]> stack;
    std::jmp_buf context;
    bool entered = false;
    Status status = Status::kReady;
    Access next;
    Location locks = Access::kNone;  // the lock that its next step takes
    Location waits_at = Access::kNone;
    base::Instant deadline = base::kNever;
    bool timed_out = false;
    Location ended_at = Access::kNone;  // written by its end
    void* own_slot = nullptr;
    ThreadViews views;
    std::source_location where;
  };
  struct Choice {
    unsigned taken, count;
  };
  struct Event {
    unsigned thread;
    const char* what;
    std::source_location where;
    Location at;
    std::uint64_t value;
  };

  static void enter_thread();
  void run_once();
  bool next_path();
  void reset();
  // Chooses who goes on; switches there.
  void schedule();
  // Lets a thread go on that rests. False: there is none.
  bool end_rest();
  unsigned pick();
  unsigned pick_in_all_orders();
  unsigned pick_within_bound();
  void expire(Thread& thread);
  void switch_to(unsigned thread);
  void leave_to_explorer();
  bool is_ready(const Thread& thread) const;
  bool may_go_on(const Thread& thread) const;
  std::string describe() const;

  const Bounds bounds_;
  const std::function<void()> program_;
  Result result_;

  std::vector<Choice> path_;
  std::size_t depth_ = 0;

  // Of one run:
  Memory memory_;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<std::unique_ptr<char[]>> stacks_;  // for the next run's threads
  unsigned running_ = 0;
  unsigned preemptions_ = 0, stale_loads_ = 0;
  std::uint64_t asleep_ = 0;  // the sleep set: threads whose next step was tried before
  bool redundant_ = false;    // another run has had this one's order
  base::Instant now_ = 0;
  std::function<void()> at_rest_;
  std::vector<Event> trace_;

  std::jmp_buf explorer_context_;
};

}  // namespace tonio::model
