#include "scheduler/blocking_pool.h"

#include <sched.h>

#include <algorithm>
#include <new>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "base/stress.h"
#include "base/thread.h"

namespace tonio::scheduler {

BlockingPool::~BlockingPool() { TONIO_CHECK(threads_.empty() && queue_.empty()); }

void BlockingPool::configure(unsigned max_threads, std::chrono::milliseconds ttl) {
  TONIO_CHECK(max_threads >= 1);
  std::lock_guard lock(mutex_);
  max_threads_ = max_threads;
  ttl_ = ttl;
}

bool BlockingPool::submit(BlockingJob& job) {
  Threads ended;
  void* state = nullptr;
  bool accepted = false;
  bool no_memory = false;
  {
    std::unique_lock lock(mutex_);
    if (!closed_ && wants_thread()) {
      // The state is made attached and without the lock: it allocates.
      lock.unlock();
      state = hooks_.prepare();
      no_memory = !state;
      lock.lock();
      collect_ended(ended);
    }
    // The job is queued in the same critical section in which there is a thread for it,
    // so none can end in between.
    if (!closed_) {
      try {
        if (state && wants_thread() && start_thread(state)) state = nullptr;
      } catch (const std::bad_alloc&) {
        no_memory = true;
      }
      accepted = live() > 0;
    }
    if (accepted) {
      queue_.push_back(job);
      ++queued_;
      call_idle_thread();
    }
  }
  base::stress_point();
  if (state) hooks_.discard(state);
  for (Thread& thread : ended) thread.thread.join();
  if (!accepted && no_memory) throw std::bad_alloc();
  return accepted;
}

void BlockingPool::call_idle_thread() {
  Thread* thread = uncalled_.back();
  if (!thread) return;  // one that was called before looks for work as well
  uncalled_.remove(*thread);
  thread->called.store(true, std::memory_order_relaxed);
  called_soon_ = base::now() - thread->idle_since < kLook;
  // With the lock: once it is called it may end, and be gone.
  thread->call.notify_one();
}

bool BlockingPool::start_thread(void* state) {
  const auto self = threads_.emplace(threads_.end());
  self->state = state;
  try {
    self->thread = base::start_thread("tonio-blocking", [this, self] { thread_main(self); });
  } catch (const std::system_error&) {
    threads_.erase(self);
    return false;
  } catch (const std::bad_alloc&) {
    threads_.erase(self);
    throw;
  }
  return true;
}

void BlockingPool::collect_ended(Threads& ended) { ended.splice(ended.end(), ended_); }

void BlockingPool::thread_main(Threads::iterator self) {
  hooks_.enter(self->state);
  std::unique_lock lock(mutex_);
  for (;;) {
    // Attached as long as there is work, so a busy thread doesn't attach per job.
    while (BlockingJob* job = queue_.pop_front()) {
      --queued_;
      ++running_;
      lock.unlock();
      base::stress_point();
      job->run();
      base::stress_point();
      lock.lock();
      // From here on a job is for this thread, rather than for a new one: whoever is told may
      // submit the next at once.
      self->idle_since = base::now();
      begin_idle(*self);
      lock.unlock();
      base::stress_point();
      job->tell();
      base::stress_point();
      lock.lock();
      end_idle(*self);
      --running_;
    }
    if (closed_) break;
    begin_idle(*self);
    const bool looks = called_soon_ && uncalled_.back() == &*self && self->idle_since >= look_from_;
    if (looks) looking_.store(&*self, std::memory_order_relaxed);
    lock.unlock();
    base::stress_point();
    hooks_.detach(self->state);
    const bool others_compute = looks && !look_for_call(*self);
    lock.lock();
    if (others_compute) look_from_ = base::now() + kNoLook;
    const bool more = wait_for_work(lock, *self);
    lock.unlock();
    hooks_.attach(self->state);
    lock.lock();
    end_idle(*self);
    // Work may have come between the end of the wait and now.
    if (!more && queue_.empty()) break;
  }
  // From here on this thread is not one that will run a job.
  ++leaving_;
  lock.unlock();
  hooks_.leave(self->state);
  lock.lock();
  --leaving_;
  ended_.splice(ended_.end(), threads_, self);
  thread_ended_.notify_all();
}

bool BlockingPool::look_for_call(const Thread& self) {
  base::Instant now = base::now();
  const base::Instant until = now + kLook;
  while (!self.called.load(std::memory_order_relaxed) &&
         looking_.load(std::memory_order_relaxed) == &self && now < until) {
    // Who has the next call may want this processor.
    ::sched_yield();
    const base::Instant before = std::exchange(now, base::now());
    if (now - before > kHeldUp) return false;
  }
  return true;
}

void BlockingPool::begin_idle(Thread& self) {
  ++idle_;
  self.called.store(false, std::memory_order_relaxed);
  // Where it was before it has settled.
  uncalled_.insert_from_back(
      self, [&self](const Thread& other) { return other.idle_since <= self.idle_since; });
}

void BlockingPool::end_idle(Thread& self) {
  --idle_;
  uncalled_.remove(self);
}

bool BlockingPool::wait_for_work(std::unique_lock<std::mutex>& lock, Thread& self) {
  std::chrono::milliseconds left = ttl_;
  std::chrono::milliseconds at_most = kFirstSettling;
  for (;;) {
    const auto limit = std::min(at_most, left);
    const bool woken =
        self.call.wait_for(lock, limit, [this, &self] { return self.called.load() || closed_; });
    if (!queue_.empty() || closed_) return true;
    if (!woken && (left -= limit) == left.zero()) return false;
    end_idle(self);
    // Where it was called, a busy thread has taken the job.
    if (!woken) {
      at_most *= 2;
      ++settling_;
      lock.unlock();
      hooks_.settle(self.state);
      lock.lock();
      --settling_;
    }
    begin_idle(self);
    if (!queue_.empty() || closed_) return true;
  }
}

bool BlockingPool::withdraw(BlockingJob& job) {
  std::lock_guard lock(mutex_);
  if (!job.linked()) return false;
  queue_.remove(job);
  --queued_;
  return true;
}

void BlockingPool::close() {
  std::unique_lock lock(mutex_);
  closed_ = true;
  while (!uncalled_.empty()) call_idle_thread();
  while (BlockingJob* job = queue_.pop_front()) {
    --queued_;
    lock.unlock();
    job->drop();
    lock.lock();
  }
}

bool BlockingPool::join(base::Instant deadline) {
  Threads ended;
  bool all_ended = true;
  {
    std::unique_lock lock(mutex_);
    TONIO_CHECK(closed_);
    const auto none_left = [this] { return threads_.empty(); };
    if (deadline == base::kNever) {
      thread_ended_.wait(lock, none_left);
    } else {
      const auto left = std::max<base::Instant>(0, deadline - base::now());
      all_ended = thread_ended_.wait_for(lock, std::chrono::microseconds(left), none_left);
    }
    collect_ended(ended);
    for (Thread& thread : threads_) thread.thread.detach();
  }
  for (Thread& thread : ended) thread.thread.join();
  return all_ended;
}

void BlockingPool::reopen() {
  std::lock_guard lock(mutex_);
  closed_ = false;
}

std::size_t BlockingPool::pending() const {
  std::lock_guard lock(mutex_);
  return queued_ + running_;
}

bool BlockingPool::busy() const {
  std::lock_guard lock(mutex_);
  return queued_ + running_ + settling_ + leaving_ > 0;
}

}  // namespace tonio::scheduler
