// longjmp() between stacks is what _FORTIFY_SOURCE takes for an error.
#undef _FORTIFY_SOURCE
#include "explorer.h"

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/check.h"

namespace tonio::model {
namespace {

Explorer* the_explorer = nullptr;

constexpr std::size_t kStack = 64 * 1024;
// More than any program here needs: one that gets there makes no progress.
constexpr std::size_t kMaxPoints = 20'000;

bool dependent(const Access& a, const Access& b) {
  if ((a.fence && b.consistent) || (b.fence && a.consistent)) return true;
  return a.at != Access::kNone && a.at == b.at && (a.writes || b.writes);
}

std::uint64_t bit(unsigned thread) { return std::uint64_t{1} << thread; }

}  // namespace

Explorer::Explorer(Bounds bounds, std::function<void()> program)
    : bounds_(bounds), program_(std::move(program)) {
  TONIO_CHECK(!the_explorer);
  the_explorer = this;
}

Explorer::~Explorer() { the_explorer = nullptr; }

Explorer& Explorer::current() { return *the_explorer; }

Result Explorer::explore() {
  do {
    run_once();
  } while (result_.failure.empty() && next_path());
  return result_;
}

bool Explorer::next_path() {
  path_.resize(depth_);
  while (!path_.empty() && path_.back().taken + 1 == path_.back().count) path_.pop_back();
  if (path_.empty()) return false;
  ++path_.back().taken;
  return true;
}

void Explorer::reset() {
  for (auto& thread : threads_) stacks_.push_back(std::move(thread->stack));
  threads_.clear();
  memory_.clear();
  depth_ = 0;
  preemptions_ = stale_loads_ = 0;
  asleep_ = 0;
  redundant_ = false;
  now_ = 0;
  at_rest_ = nullptr;
  trace_.clear();
}

void Explorer::run_once() {
  reset();
  start_thread(program_);
  if (_setjmp(explorer_context_) == 0) switch_to(0);
  if (!redundant_) ++result_.schedules;
  result_.points += trace_.size();
}

void Explorer::fail(const std::string& what) {
  result_.failure = what + describe();
  // What the threads hold is given up with them: nothing is explored after this.
  _longjmp(explorer_context_, 1);
}

std::string Explorer::describe() const {
  std::ostringstream text;
  text << "\nthe run, its last operations (schedule " << result_.schedules + 1 << "):";
  constexpr std::size_t kShown = 80;
  for (std::size_t i = trace_.size() > kShown ? trace_.size() - kShown : 0; i < trace_.size();
       ++i) {
    const Event& event = trace_[i];
    const char* slash = std::strrchr(event.where.file_name(), '/');
    text << "\n  thread " << event.thread << "  " << event.what;
    if (event.at != Access::kNone) text << " object " << event.at << ": " << event.value;
    text << "  (" << (slash ? slash + 1 : event.where.file_name()) << ":" << event.where.line()
         << ")";
  }
  return text.str();
}

unsigned Explorer::start_thread(std::function<void()> main) {
  const auto number = static_cast<unsigned>(threads_.size());
  TONIO_CHECK(number < 64);
  auto thread = std::make_unique<Thread>();
  thread->main = std::move(main);
  if (stacks_.empty()) {
    thread->stack = std::make_unique<char[]>(kStack);
  } else {
    thread->stack = std::move(stacks_.back());
    stacks_.pop_back();
  }
  if (number > 0) thread->views.now = views().now;
  thread->ended_at = memory_.add(0, thread->views);
  if (number > 0) views().now.raise(thread->ended_at, 0);
  threads_.push_back(std::move(thread));
  return number;
}

void Explorer::enter_thread() {
  Explorer& self = *the_explorer;
  Thread& thread = *self.threads_[self.running_];
  thread.main();
  thread.main = nullptr;
  self.point({thread.ended_at, true}, std::source_location::current(), "ends");
  self.memory_.store(thread.ended_at, 1, std::memory_order_release, thread.views);
  thread.status = Thread::Status::kEnded;
  for (auto& other : self.threads_) {
    if (other->status == Thread::Status::kWaits && other->waits_at == thread.ended_at) {
      other->status = Thread::Status::kReady;
    }
  }
  self.schedule();
  std::abort();
}

void Explorer::join(unsigned number) {
  Thread& other = *threads_[number];
  point({other.ended_at, true}, std::source_location::current(), "joins");
  if (other.status != Thread::Status::kEnded) {
    Thread& self = *threads_[running_];
    self.status = Thread::Status::kWaits;
    self.waits_at = other.ended_at;
    self.deadline = base::kNever;
    schedule();
  }
  memory_.load(other.ended_at, memory_.newest(other.ended_at), std::memory_order_acquire, views());
}

unsigned Explorer::choose(unsigned count) {
  if (count <= 1 || redundant_) return 0;
  if (depth_ == path_.size()) path_.push_back({0, count});
  TONIO_CHECK(path_[depth_].count == count);
  return path_[depth_++].taken;
}

std::size_t Explorer::choose_store(std::size_t oldest, std::size_t newest) {
  if (stale_loads_ >= bounds_.stale_loads) return newest;
  const unsigned age = choose(static_cast<unsigned>(newest - oldest + 1));
  if (age > 0) ++stale_loads_;
  return newest - age;
}

void Explorer::point(Access access, std::source_location where, const char* what) {
  Thread& self = *threads_[running_];
  self.next = access;
  self.where = where;
  const unsigned me = running_;
  schedule();
  if (trace_.size() > kMaxPoints) fail("no end: too many operations in one run");
  trace_.push_back({me, what, where, access.at, 0});
}

void Explorer::rest(std::source_location where) {
  point({}, where, "rests");
  threads_[running_]->status = Thread::Status::kRests;
  schedule();
}

bool Explorer::end_rest() {
  for (auto& thread : threads_) {
    if (thread->status != Thread::Status::kRests) continue;
    thread->status = Thread::Status::kReady;
    return true;
  }
  return false;
}

bool Explorer::is_ready(const Thread& thread) const {
  return thread.status == Thread::Status::kReady &&
         (thread.locks == Access::kNone ||
          memory_.value(thread.locks, memory_.newest(thread.locks)) == 0);
}

bool Explorer::may_go_on(const Thread& thread) const {
  return is_ready(thread) ||
         (thread.status == Thread::Status::kWaits && thread.deadline != base::kNever);
}

void Explorer::schedule() {
  bool ready = false;
  bool timed = false;
  for (const auto& thread : threads_) {
    ready = ready || is_ready(*thread);
    timed = timed || may_go_on(*thread);
  }
  if (!ready && !end_rest()) {
    bool all_ended = true;
    std::string who;
    for (std::size_t i = 0; i < threads_.size(); ++i) {
      const Thread& thread = *threads_[i];
      if (thread.status == Thread::Status::kEnded) continue;
      all_ended = false;
      const char* slash = std::strrchr(thread.where.file_name(), '/');
      who += " thread " + std::to_string(i) + " at " +
             (slash ? slash + 1 : thread.where.file_name()) + ":" +
             std::to_string(thread.where.line());
    }
    if (all_ended) leave_to_explorer();
    if (at_rest_) at_rest_();
    if (!timed) fail("deadlock: all threads sleep:" + who);
  }
  const unsigned chosen = pick();
  if (threads_[chosen]->status == Thread::Status::kWaits) expire(*threads_[chosen]);
  if (chosen != running_) switch_to(chosen);
}

void Explorer::expire(Thread& thread) {
  now_ = std::max(now_, thread.deadline);
  thread.timed_out = true;
  thread.status = Thread::Status::kReady;
}

unsigned Explorer::pick() {
  if (redundant_) return pick_within_bound();
  return bounds_.preemptions == kNoBound ? pick_in_all_orders() : pick_within_bound();
}

unsigned Explorer::pick_in_all_orders() {
  unsigned options[64];
  unsigned count = 0;
  for (unsigned i = 0; i < threads_.size(); ++i) {
    if (may_go_on(*threads_[i]) && !(asleep_ & bit(i))) options[count++] = i;
  }
  if (count == 0) {
    redundant_ = true;
    return pick_within_bound();
  }
  const unsigned taken = choose(count);
  const Access& step = threads_[options[taken]]->next;
  for (unsigned i = 0; i < taken; ++i) asleep_ |= bit(options[i]);
  for (unsigned i = 0; i < threads_.size(); ++i) {
    if ((asleep_ & bit(i)) && dependent(threads_[i]->next, step)) asleep_ &= ~bit(i);
  }
  return options[taken];
}

unsigned Explorer::pick_within_bound() {
  // The running thread first; to hold it up, or to let time pass, is what the bound counts.
  const bool goes_on = is_ready(*threads_[running_]);
  const bool may_preempt = !redundant_ && preemptions_ < bounds_.preemptions;
  unsigned options[64];
  unsigned count = 0;
  if (goes_on) options[count++] = running_;
  if (!goes_on || may_preempt) {
    for (unsigned i = 0; i < threads_.size(); ++i) {
      if (i != running_ && is_ready(*threads_[i])) options[count++] = i;
    }
  }
  const unsigned free = goes_on ? 1 : count;
  if (count == 0 || may_preempt) {
    unsigned first = 0;
    for (unsigned i = 0; i < threads_.size(); ++i) {
      if (threads_[i]->status != Thread::Status::kWaits || !may_go_on(*threads_[i])) continue;
      // When nothing else can go on the earliest deadline passes, and that costs nothing.
      if (free == 0 && count > 0) {
        if (threads_[i]->deadline < threads_[options[first]]->deadline) options[first] = i;
      } else {
        options[count++] = i;
      }
    }
  }
  const unsigned taken = choose(count);
  if (free > 0 && taken >= free) ++preemptions_;
  return options[taken];
}

void Explorer::switch_to(unsigned number) {
  Thread& from = *threads_[running_];
  Thread& to = *threads_[number];
  // The explorer itself switches to the first thread, before it is entered.
  const bool from_explorer = !from.entered;
  running_ = number;
  if (!from_explorer && _setjmp(from.context) != 0) return;
  if (to.entered) _longjmp(to.context, 1);
  to.entered = true;
  ucontext_t context;
  getcontext(&context);
  context.uc_stack.ss_sp = to.stack.get();
  context.uc_stack.ss_size = kStack;
  context.uc_link = nullptr;
  makecontext(&context, enter_thread, 0);
  setcontext(&context);
  std::abort();
}

void Explorer::leave_to_explorer() { _longjmp(explorer_context_, 1); }

bool Explorer::wait(Location at, std::uint32_t expected, base::Instant deadline,
                    std::source_location where) {
  // The kernel compares under its own lock, and sees the newest value.
  point({at, true}, where, "futex_wait");
  const std::size_t newest = memory_.newest(at);
  note(memory_.value(at, newest));
  // So this thread reads nothing older there any more.
  views().now.raise(at, static_cast<std::uint16_t>(newest));
  if (memory_.value(at, newest) != expected) return true;
  Thread& self = *threads_[running_];
  self.status = Thread::Status::kWaits;
  self.waits_at = at;
  self.deadline = deadline;
  self.timed_out = false;
  // Going on after it touches nothing, but a deadline that passes competes with a wake.
  self.next = {deadline == base::kNever ? Access::kNone : at, true};
  schedule();
  self.deadline = base::kNever;
  return !self.timed_out;
}

void Explorer::wake(Location at, int count, std::source_location where) {
  point({at, true}, where, "futex_wake");
  note(static_cast<std::uint64_t>(count));
  for (auto& thread : threads_) {
    if (count <= 0) break;
    if (thread->status != Thread::Status::kWaits || thread->waits_at != at) continue;
    thread->status = Thread::Status::kReady;
    thread->deadline = base::kNever;
    thread->next = {};
    --count;
  }
}

void Explorer::lock(Location at, std::source_location where) {
  Thread& self = *threads_[running_];
  self.locks = at;
  point({at, true}, where, "locks");
  self.locks = Access::kNone;
  memory_.exchange(at, 1, std::memory_order_acquire, views());
}

bool Explorer::try_lock(Location at, std::source_location where) {
  point({at, true}, where, "tries to lock");
  if (memory_.value(at, memory_.newest(at)) != 0) return false;
  memory_.exchange(at, 1, std::memory_order_acquire, views());
  return true;
}

void Explorer::unlock(Location at, std::source_location where) {
  point({at, true}, where, "unlocks");
  memory_.exchange(at, 0, std::memory_order_release, views());
}

}  // namespace tonio::model
