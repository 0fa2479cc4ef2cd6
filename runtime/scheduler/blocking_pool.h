// Threads for calls that block: started when they are needed, ended when they have
// been idle for a while.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "scheduler/thread_hooks.h"

namespace tonio::scheduler {

// One call. Whoever submits it keeps it alive until tell() or drop() is called, exactly one of
// which is.
class BlockingJob : public base::ListHook {
 public:
  // On an attached thread of the pool.
  virtual void run() = 0;
  // After run(), on the same thread: tells whoever waits that the call is over. The thread counts
  // as idle by then and may have the next job, which must not wait: this runs no code of the
  // program. The job may be gone afterwards.
  virtual void tell() = 0;
  // The pool closes before the job's turn has come. On the thread that calls close().
  virtual void drop() = 0;

 protected:
  ~BlockingJob() = default;
};

class BlockingPool {
 public:
  explicit BlockingPool(ThreadHooks& hooks) : hooks_(hooks) {}
  // The pool has been joined.
  ~BlockingPool();
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // At most `max_threads` (at least 1), each of which ends after `ttl` without work.
  // Holds for what happens from now on.
  void configure(unsigned max_threads, std::chrono::milliseconds ttl);

  // By an attached thread. False when the pool is closed, or when it has no thread
  // and can't start one; the job is still the caller's then. Throws std::bad_alloc where that is
  // for want of memory.
  [[nodiscard]] bool submit(BlockingJob& job);
  // True: the job was still queued, will not run and is the caller's again.
  [[nodiscard]] bool withdraw(BlockingJob& job);

  // Refuses new jobs and drops those that wait. By an attached thread.
  void close();
  // After close(): waits for running jobs until `deadline` and joins the threads. By a
  // detached thread. False when a job would not end: the pool must be left alone from
  // then on, and not be destroyed.
  [[nodiscard]] bool join(base::Instant deadline);
  // Takes jobs again.
  void reopen();

  // Jobs that run or wait; a snapshot.
  std::size_t pending() const;
  // Whether a thread of the pool may run code of the program now: a job, or the finalizers
  // of what it leaves behind when it settles or ends. A snapshot.
  bool busy() const;

 private:
  // Guarded by mutex_, but for `state`, which is the thread's own, and reads of `called`.
  struct Thread : base::ListHook {
    std::thread thread;
    void* state = nullptr;
    base::Instant idle_since = 0;
    std::condition_variable call;     // waits for it while idle
    std::atomic<bool> called{false};  // written with the lock
  };
  using Threads = std::list<Thread>;

  // How long a thread is idle before it settles (ThreadHooks). Each further time it waits
  // twice as long, so that what others drop is kept for about as long as they had it.
  static constexpr std::chrono::milliseconds kFirstSettling{20};

  // How long a thread looks for the next call before it sleeps, where the last one came as soon:
  // to wake it takes as long, on another processor that has nothing to do.
  static constexpr base::Instant kLook = 100;
  // When it is without the processor for so long between two looks, all have something to do, and
  // nobody looks for a while: a thread that sleeps gets one sooner than one that has given it away.
  static constexpr base::Instant kHeldUp = 500, kNoLook = 100'000;

  void thread_main(Threads::iterator self);

  // With mutex_ held:
  // Threads that run jobs now or will.
  std::size_t live() const { return threads_.size() - leaving_; }
  // Whether one more job asks for one more thread. An idle thread may have been called for
  // an earlier job and not be running yet, so idle threads count against all that is
  // queued.
  bool wants_thread() const { return queued_ >= idle_ && live() < max_threads_; }
  void call_idle_thread();
  void begin_idle(Thread& self);
  void end_idle(Thread& self);

  // By an idle thread, detached and without the lock. Returns when it is called, when another
  // thread looks instead, or after a while; false when others want the processor.
  [[nodiscard]] bool look_for_call(const Thread& self);
  // By an idle thread, which still counts as one afterwards: what it was called for waits for it.
  // Returns when there is work or the pool is closed, or, with false, after the ttl.
  bool wait_for_work(std::unique_lock<std::mutex>& lock, Thread& self);
  // False when the system refuses; `state` is still the caller's then. Throws std::bad_alloc.
  [[nodiscard]] bool start_thread(void* state);
  // Moves the threads that have ended to `ended`, for the caller to join without the lock.
  void collect_ended(Threads& ended);

  ThreadHooks& hooks_;

  mutable std::mutex mutex_;
  std::condition_variable thread_ended_;
  // All below guarded by mutex_.
  base::IntrusiveList<BlockingJob> queue_;
  std::size_t queued_ = 0;
  std::size_t running_ = 0;
  std::size_t idle_ = 0;  // threads that wait for work, or take it after what they do just now
  // Those of them that were not called, in the order in which they have become idle. The last one
  // is called first: so those that only a burst has needed end after the ttl.
  base::IntrusiveList<Thread> uncalled_;
  bool called_soon_ = false;  // the last call of an idle thread came within kLook
  base::Instant look_from_ = 0;
  std::size_t settling_ = 0;
  std::size_t leaving_ = 0;  // members of threads_ that take no more jobs
  Threads threads_;
  Threads ended_;
  unsigned max_threads_ = 128;
  std::chrono::milliseconds ttl_{30'000};
  bool closed_ = false;

  // The idle thread that looks for the next call: the last one that has become idle, which is
  // called first. Written with the lock, and only compared.
  std::atomic<const Thread*> looking_{nullptr};
};

}  // namespace tonio::scheduler
