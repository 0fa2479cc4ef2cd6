# tonio_add_mutant(NAME MODELS FILE TEXT REPLACEMENT PROPERTY): what the models must refute.

# A searcher that finds nothing announces its sleep and does not look again.
tonio_add_mutant(no_look_after_announcing scheduler scheduler/worker.cpp
  [[crew_.idle.park(index_, was_searching) && scheduler_.work_waits()]]
  [[crew_.idle.park(index_, was_searching) && false]]
  "no lost wake")
# Only a searcher looks again: one that did not search because others did sleeps on.
tonio_add_mutant(only_searchers_look_again "scheduler;idle" scheduler/idle.cpp
  [[const bool nobody_searches = searching(before - change) == 0;]]
  [[const bool nobody_searches = was_searching && searching(before) == 1;]]
  "no lost wake")
# The look comes before the announcement.
tonio_add_mutant(look_before_announcing scheduler scheduler/worker.cpp
  [[if (crew_.idle.park(index_, was_searching) && scheduler_.work_waits()) {]]
  [[if (const bool waits = scheduler_.work_waits();
      crew_.idle.park(index_, was_searching) && waits) {]]
  "no lost wake")
# Seen only with reordering: who announces its sleep may not see the work yet ...
tonio_add_mutant(no_fence_in_park "scheduler;idle" scheduler/idle.cpp
  [[if (nobody_searches) base::atomic_fence(std::memory_order_seq_cst);]] "" "no lost wake")
# ... and who adds work may not see that all sleep.
tonio_add_mutant(no_fence_in_notify "scheduler;idle" scheduler/idle.cpp
  [[  base::atomic_fence(std::memory_order_seq_cst);
  const std::uint32_t state]]
  [[  const std::uint32_t state]]
  "no lost wake")
# What a worker takes over from the shared queue it only shows, without a fence.
tonio_add_mutant(batch_tells_nobody scheduler scheduler/worker.cpp
  [[just now might see neither these tasks in the queue nor be seen.
    scheduler_.notify();]]
  [[]]
  "no lost wake")
# The spawner of a large spawn goes on, and colleagues sleep.
tonio_add_mutant(large_spawn_tells_nobody scheduler scheduler/worker.cpp
  [[backlog_.push(spawn);
  scheduler_.notify();]]
  [[backlog_.push(spawn);]]
  "no lost wake")
# A worker that was woken for a task runs finalizers first, and nobody else looks for the task.
tonio_add_mutant(finalizers_before_searching scheduler scheduler/worker.cpp
  [[    stop_searching();
    if (holds_work())]]
  [[    if (holds_work())]]
  "no lost wake")
# A wake does not reach the worker that drives.
tonio_add_mutant(driver_not_woken scheduler scheduler/scheduler.cpp
  [[if (worker.parker_.unpark()) driver_.wake();]] [[(void)worker.parker_.unpark();]]
  "deadlock")
# A worker that leaves the driver to run tasks asks nobody to watch it.
tonio_add_mutant(no_watcher scheduler scheduler/scheduler.cpp
  [[crew.workers[sleeper]->parker_.request_watch();]] [[(void)sleeper;]] "deadlock")

# Who announces its sleep is not told to look again.
tonio_add_mutant(park_asks_for_no_look idle scheduler/idle.cpp
  [[  return nobody_searches;]] [[  return false;]] "no lost wake")
# A searcher that parks still counts as one, which others rely on.
tonio_add_mutant(searches_asleep idle scheduler/idle.cpp
  [[kUnparked + (was_searching ? kSearcher : 0);]] [[kUnparked;]] "counters")
# The last searcher that finds something wakes nobody for what else there is.
tonio_add_mutant(last_searcher_untold idle scheduler/idle.cpp
  [[kSearcher, std::memory_order_seq_cst)) == 1;]]
  [[kSearcher, std::memory_order_seq_cst)) == 0;]]
  "counters")
# Who is woken does not count as a searcher, though it takes itself for one.
tonio_add_mutant(woken_without_count idle scheduler/idle.cpp
  [[state_.fetch_add(kSearcher + kUnparked, std::memory_order_seq_cst);]]
  [[state_.fetch_add(kUnparked, std::memory_order_seq_cst);]]
  "counters")
# Who is woken stays among the sleepers, for the next notifier.
tonio_add_mutant(woken_twice idle scheduler/idle.cpp
  [[  sleepers->pop_back();]] "" "no lost wake")
# A worker that wakes by itself does not see that a notifier has counted it as a searcher.
tonio_add_mutant(wakes_by_itself_all_the_same idle scheduler/idle.cpp
  [[if (found == sleepers->end()) return false;]]
  [[if (found == sleepers->end()) return true;]]
  "no lost wake")
# ... or stays among the sleepers.
tonio_add_mutant(wakes_by_itself_in_line idle scheduler/idle.cpp
  [[  sleepers->erase(found);]] "" "no lost wake")

# The token is overwritten by the announcement of the sleep.
tonio_add_mutant(token_overwritten parker scheduler/parker.cpp
  [[  if (word_.compare_exchange_strong(word, kAsleep, std::memory_order_acq_rel,
                                    std::memory_order_acquire)) {]]
  [[  word_.store(kAsleep, std::memory_order_release);
  if (word == kAwake) {]]
  "deadlock")
# A token that came before the drive is consumed, and the poll happens all the same.
tonio_add_mutant(drive_despite_token parker scheduler/parker.cpp
  [[      return !notified;]] [[      return true;]] "deadlock")
# A token does not carry what was done before it.
tonio_add_mutant(token_carries_nothing parker scheduler/parker.cpp
  [[(word & kWatchFlag) | kNotified,
                                      std::memory_order_acq_rel,]]
  [[(word & kWatchFlag) | kNotified,
                                      std::memory_order_relaxed,]]
  "the woken worker sees what was done before the wake")
# The request to watch goes with the token.
tonio_add_mutant(token_drops_request parker scheduler/parker.cpp
  [[(word & kWatchFlag) | kNotified,]] [[kNotified,]] "deadlock")

# A waker claims what another has claimed.
tonio_add_mutant(claimed_twice task_state task/task_state.h
  [[      if (phase != kArming && phase != kWaiting) return Claim::kLost;
      const std::uint32_t next =
          (word & (kKept | kCancelFlag))]]
  [[      if (phase != kArming && phase != kWaiting && phase != kWoken) return Claim::kLost;
      const std::uint32_t next =
          (word & (kKept | kCancelFlag))]]
  "a task has one owner at a time")
# A task that goes on by itself, since it was woken as it armed, is handed over as well.
tonio_add_mutant(resumed_twice task_state task/task_state.h
  [[return phase == kArming ? Claim::kInPlace : Claim::kSchedule;
      }
    }
  }

  // From anywhere.]]
  [[return Claim::kSchedule;
      }
    }
  }

  // From anywhere.]]
  "exactly one resume per suspension")
# The claimer may run a task whose writes it does not see.
tonio_add_mutant(suspended_without_release task_state task/task_state.h
  [[if (word_.compare_exchange_weak(word, (word & kKept) | kWaiting, std::memory_order_release,]]
  [[if (word_.compare_exchange_weak(word, (word & kKept) | kWaiting, std::memory_order_relaxed,]]
  "a task has one owner at a time")
# A cancel request that comes as the task begins to arm is overwritten.
tonio_add_mutant(cancel_overwritten task_state task/task_state.h
  [[while (!word_.compare_exchange_weak(word, (word & kKept) | kArming, std::memory_order_release,
                                          std::memory_order_relaxed));]]
  [[while ((word_.store((word & kKept) | kArming, std::memory_order_release), false));]]
  "deadlock")
# The worker lets go of a task without looking whether it was woken meanwhile.
tonio_add_mutant(woken_while_arming task_state task/task_state.h
  [[    while ((word & kPhaseMask) == kArming) {
      // Release pairs]]
  [[    for (;;) {
      // Release pairs]]
  "deadlock")
# A timer claims when it has let go of its lock: the task may wait for something else by then.
tonio_add_mutant(timer_claims_later task_state reactor/timer_queue.cpp
  [[  base::MutexLock lock(mutex_);
  for (Timer* timer = earliest(); timer && timer->deadline <= now; timer = earliest()) {
    if (most == 0) break;
    take_out(*timer);]]
  [[  mutex_.lock();
  Timer* due = earliest();
  if (due) take_out(*due);
  mutex_.unlock();
  for (Timer* timer = due; timer; timer = nullptr) {]]
  "the loser claims no later suspension")
# A late request stays with the object, for the task that begins there next.
tonio_add_mutant(cancel_after_end task_state task/task_state.h
  [[      if ((word & kPhaseMask) == kEnded) return Claim::kLost;]] ""
  "a request has no effect on a task that has ended")
# Who is asked to end is over, and the next one in the object is asked.
tonio_add_mutant(next_task_asked task_state task/task_state.h
  [[           (word & kGenerationMask) == static_cast<std::uint32_t>(generation);]]
  [[           static_cast<std::uint32_t>(generation) != 0;]]
  "the next task is not asked")
# The request that was for the task before is still noted where it was to be delivered.
tonio_add_mutant(undelivered_kept task_state task/task.cpp
  [[  if (!claim && !undelivered) undelivered_.store(false, std::memory_order_relaxed);]] ""
  "the next task is not asked")
# A parent that ends as well cancels its children once more.
tonio_add_mutant(child_asked_twice task_state task/cancel_scope.cpp
  [[      return !(ends && ending == Ending::kSpare);]]
  [[      return true;]]
  "what cleans up is not disturbed")
# That a task ends with its run is forgotten when it suspends.
tonio_add_mutant(ending_forgotten task_state task/task_state.h
  [[(word & kKept) | kArming, std::memory_order_release,]]
  [[(word & kGenerationMask) | kArming, std::memory_order_release,]]
  "who is asked ends with its run")

# Receivers that wait are not told of the close.
tonio_add_mutant(close_forgets_receivers channel sync/channel.cpp
  [[    receivers_.claim_all(ready);]] "" "deadlock")
tonio_add_mutant(close_forgets_senders channel sync/channel.cpp
  [[    senders_.claim_all(ready);]] "" "deadlock")
# A message is sent after the close.
tonio_add_mutant(send_after_close channel sync/channel.cpp
  [[    if (closed_) return Outcome::kClosed;
    if (receivers_]]
  [[    if (receivers_]]
  "deadlock")
# Room that a receiver makes goes to no waiting sender.
tonio_add_mutant(room_for_nobody channel sync/channel.cpp
  [[if (exchange && !senders_.exchange_first(ready, buffer_.back())) buffer_.pop_back();]]
  [[if (exchange) (void)ready, buffer_.pop_back();]]
  "deadlock")
# A waiter that was woken by somebody else keeps the message that was meant for it.
tonio_add_mutant(message_left_with_loser channel task/wait_queue.cpp
  [[    waiter->payload = carried;]] [[    payload = carried;]]
  "who was not woken by the channel has its message")
# What a waiting receiver has got goes into the buffer as well.
tonio_add_mutant(message_sent_twice channel sync/channel.cpp
  [[    if (receivers_.claim_first(ready, message)) return Outcome::kDone;]]
  [[    (void)receivers_.claim_first(ready, message);]]
  "no message is delivered twice")
# A cancelled receiver stays in line.
tonio_add_mutant(cancelled_stays_in_line channel sync/channel.cpp
  [[  receivers_.remove(waiter);]] [[  (void)waiter;]] "who was cancelled is out of line")
# Outside the lock.
tonio_add_mutant(channel_without_lock channel sync/channel.cpp
  [[    base::MutexLock lock(mutex_);
    outcome = act(ready);]]
  [[    outcome = act(ready);]]
  "deadlock")
# A message that comes back lies in the buffer, and who is next in line sleeps on.
tonio_add_mutant(put_back_tells_nobody channel sync/channel.cpp
  [[if (!receivers_.claim_first(ready, message)) buffer_.push_front(message);]]
  [[(void)ready, buffer_.push_front(message);]]
  "deadlock")
# ... and is dropped when the channel was closed meanwhile.
tonio_add_mutant(put_back_after_close channel sync/channel.cpp
  [[if (!receivers_.claim_first(ready, message)) buffer_.push_front(message);]]
  [[if (!closed_ && !receivers_.claim_first(ready, message)) buffer_.push_front(message);]]
  "a message is delivered if it was sent, and only then")
# The closer keeps the lock.
tonio_add_mutant(close_keeps_lock channel sync/channel.cpp
  [[    return Outcome::kClosed;
  });
}]]
  [[    return Outcome::kClosed;
  });
  mutex_.lock();
}]]
  "no lock is left behind")

# Who waits announces it by the word of who does not.
tonio_add_mutant(contention_unseen mutex base/mutex.cpp
  [[while (word_.exchange(kContended, std::memory_order_acquire) != kFree) {
    futex_wait(word_, kContended);]]
  [[while (word_.exchange(kHeld, std::memory_order_acquire) != kFree) {
    futex_wait(word_, kHeld);]]
  "deadlock")
tonio_add_mutant(unlock_without_release mutex base/mutex.h
  [[word_.exchange(kFree, std::memory_order_release)]]
  [[word_.exchange(kFree, std::memory_order_relaxed)]]
  "the mutex has one owner at a time")

# A thief reads slots that are not written yet.
tonio_add_mutant(tail_without_release local_queue scheduler/local_queue.cpp
  [[      tail_.store(tail + 1, std::memory_order_release);]]
  [[      tail_.store(tail + 1, std::memory_order_relaxed);]]
  "every task is run exactly once")
tonio_add_mutant(tail_without_acquire local_queue scheduler/local_queue.cpp
  [[const std::uint32_t tail = tail_.load(std::memory_order_acquire);
    count]]
  [[const std::uint32_t tail = tail_.load(std::memory_order_relaxed);
    count]]
  "every task is run exactly once")
# The owner takes no notice of a thief that copies: as it pops ...
tonio_add_mutant(owner_ends_theft local_queue scheduler/local_queue.cpp
  [[        head.steal == head.real ? pack({real, real}) : pack({head.steal, real});]]
  [[        pack({real, real});]]
  "every task is run exactly once")
# ... and as it overflows.
tonio_add_mutant(overflow_during_theft local_queue scheduler/local_queue.cpp
  [[    if (head.steal != head.real) return overflow.push_back(task);]] ""
  "a task has one owner at a time")
# The thief does not tell that it copies.
tonio_add_mutant(thief_untold local_queue scheduler/local_queue.cpp
  [[const std::uint64_t next = pack({head.steal, head.real + count});]]
  [[const std::uint64_t next = pack({head.real + count, head.real + count});]]
  "a task has one owner at a time")
# What overflows may have been stolen just before.
tonio_add_mutant(overflow_without_exchange local_queue scheduler/local_queue.cpp
  [[  if (!head_.compare_exchange_strong(expected, next, std::memory_order_release,
                                     std::memory_order_relaxed)) {]]
  [[  (void)expected;
  if (head_.store(next, std::memory_order_release); false) {]]
  "every task is run exactly once")
