// A task's state: one word, named transitions.
//
//                 begin_arming            finish_arming
//      kActive ------------------> kArming -------------> kWaiting
//         ^                          |  |                    |
//         |      cancel_arming       |  | claim              | claim: the claimer
//         +--------------------------+  v                    | schedules the task
//         |      finish_arming      kWoken                   |
//         +----------------------------+                     |
//         +--------------------------------------------------+
//
// kActive is a task that one owner has: a run queue, or the worker that runs it.
// While kArming the running task puts itself where its wakers will find it (wait
// queues, timers, descriptors). From that moment any number of wakers may claim
// it; exactly one of them succeeds per suspension, the others see that they lost.
// A claim before the worker has let go of the task (kArming) leaves the task with
// its worker (kWoken); a claim after it (kWaiting) makes the claimer the owner,
// who must schedule it.
//
// A cancel request is a flag that is delivered once, at a suspension point: at
// once when the task is suspended (a claim like any other), else when it next
// begins to arm or comes back from giving way.
//
// One task after the other lives in an object. The word counts them, for who asks a
// task to end that it does not own: that may be over by then, and another one begun.
#pragma once

#include <cstdint>
#include <optional>

#include "base/atomic.h"
#include "base/check.h"
#include "base/stress.h"

namespace tonio::task {

// Why a suspended task was resumed.
enum class WakeReason : std::uint8_t {
  kCompleted,  // what it waited for has happened
  kTimedOut,   // its deadline passed first
  kCancelled,  // a cancel request came first
};

enum class Claim : std::uint8_t {
  kLost,      // somebody else woke it first
  kInPlace,   // won; the worker that is about to let go of it carries on
  kSchedule,  // won; the claimer owns the task now and must schedule it
};

class TaskState {
 public:
  // Which of the tasks of the object. They come again after 2^22 tasks.
  enum class Generation : std::uint32_t {};

  // By the running task, before it registers itself with wakers. False: a cancel
  // request is pending and must be delivered instead of suspending.
  [[nodiscard]] bool begin_arming() {
    base::stress_point();
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    TONIO_DCHECK((word & kPhaseMask) == kActive);
    // The exchange drops the last suspension's reason. It fails only against a request
    // to cancel or end, the one thing that others may write while the task is active.
    do {
      if (word & kCancelFlag) return false;
    } while (!word_.compare_exchange_weak(word, (word & kKept) | kArming, std::memory_order_release,
                                          std::memory_order_relaxed));
    return true;
  }

  // By the worker, once nothing of the task runs any more. True: it is suspended
  // and no longer the caller's. False: it was woken already; `reason()` tells why.
  [[nodiscard]] bool finish_arming() {
    base::stress_point();
    std::uint32_t word = word_.load(std::memory_order_acquire);
    while ((word & kPhaseMask) == kArming) {
      // Release pairs with the acquire of claim(): the claimer may run the task at once.
      if (word_.compare_exchange_weak(word, (word & kKept) | kWaiting, std::memory_order_release,
                                      std::memory_order_acquire)) {
        return true;
      }
    }
    back_to_active(word);
    return false;
  }

  // By the running task that found its result while arming, after it has taken
  // itself off every waker's list. True when a waker had claimed it before.
  [[nodiscard]] bool cancel_arming() {
    base::stress_point();
    std::uint32_t word = word_.load(std::memory_order_acquire);
    while ((word & kPhaseMask) == kArming) {
      if (word_.compare_exchange_weak(word, (word & kKept) | kActive, std::memory_order_acquire,
                                      std::memory_order_acquire)) {
        return false;
      }
    }
    back_to_active(word);
    return true;
  }

  // By a waker on whose list the task stands, under that list's lock.
  [[nodiscard]] Claim claim(WakeReason reason) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    base::stress_point();
    for (;;) {
      const std::uint32_t phase = word & kPhaseMask;
      if (phase != kArming && phase != kWaiting) return Claim::kLost;
      const std::uint32_t next =
          (word & (kKept | kCancelFlag)) | encode(reason) | (phase == kArming ? kWoken : kActive);
      // Acquire pairs with finish_arming() and begin_arming(); release hands what
      // the waker wrote (a message, a permit) to the resumed task.
      if (word_.compare_exchange_weak(word, next, std::memory_order_acq_rel,
                                      std::memory_order_relaxed)) {
        return phase == kArming ? Claim::kInPlace : Claim::kSchedule;
      }
    }
  }

  // From anywhere. No effect on a task that has ended.
  [[nodiscard]] Claim request_cancel() {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    base::stress_point();
    for (;;) {
      if ((word & kPhaseMask) == kEnded) return Claim::kLost;
      if (const auto claim = cancel_from(word, 0)) return *claim;
    }
  }

  // The end of a run asks each of its tasks once: first it marks all of them, then it asks
  // them. Relaxed: what a task does because it was asked comes after the request, which
  // releases, and so after all marks; who cancels another one for that sees its mark.

  // The task of that generation ends with its run; no effect when it is over. From anywhere.
  void mark_ending(Generation generation) { (void)set(kEndsWithRunFlag, generation); }
  // As request_cancel(), and the task of that generation has been asked; nothing when it was
  // before, or is over.
  [[nodiscard]] std::optional<Claim> request_end(Generation generation) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    base::stress_point();
    while (is(word, generation) && !(word & kAskedFlag)) {
      if (const auto claim = cancel_from(word, kEndsWithRunFlag | kAskedFlag)) return claim;
    }
    return std::nullopt;
  }
  // The same for a task that a shield holds the request back from: false in place of nothing.
  [[nodiscard]] bool mark_asked(Generation generation) {
    return !asked() && set(kEndFlags, generation);
  }
  // By the task itself, which needs no asking.
  void mark_asked() { word_.fetch_or(kEndFlags, std::memory_order_relaxed); }
  // From anywhere.
  [[nodiscard]] bool asked() const { return word_.load(std::memory_order_relaxed) & kAskedFlag; }
  // The end is over, and the task of that generation goes on.
  void forget_end(Generation generation) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    while (is(word, generation) &&
           !word_.compare_exchange_weak(word, word & ~kEndFlags, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
    }
  }
  // The task of that generation has had its time to end: nobody waits for it any more. From
  // anywhere.
  void mark_overdue(Generation generation) { (void)set(kOverdueFlag, generation); }
  [[nodiscard]] bool overdue() const {
    return word_.load(std::memory_order_relaxed) & kOverdueFlag;
  }
  // From anywhere.
  [[nodiscard]] bool ends_with_run() const {
    return word_.load(std::memory_order_relaxed) & kEndsWithRunFlag;
  }
  // By the task itself: it has been asked, and that has been raised, a shield holds it back, or
  // it needed no asking.
  [[nodiscard]] bool has_heard_of_end() const {
    return word_.load(std::memory_order_acquire) & kHeardFlag;
  }

  // Acquire: what is read of the task afterwards is of this one or a later one.
  [[nodiscard]] Generation generation() const {
    return static_cast<Generation>(word_.load(std::memory_order_acquire) & kGenerationMask);
  }

  // By the task that is about to raise its cancellation.
  void deliver_cancel() {
    const std::uint32_t before = word_.fetch_and(~kCancelFlag, std::memory_order_acquire);
    if (before & kAskedFlag) word_.fetch_or(kHeardFlag, std::memory_order_relaxed);
  }

  [[nodiscard]] bool cancel_requested() const {
    return word_.load(std::memory_order_relaxed) & kCancelFlag;
  }

  // By the owner, after it was resumed.
  [[nodiscard]] WakeReason reason() const {
    return static_cast<WakeReason>((word_.load(std::memory_order_relaxed) & kReasonMask) >>
                                   kReasonShift);
  }

  // By the running task.
  [[nodiscard]] bool arming() const {
    const std::uint32_t phase = word_.load(std::memory_order_relaxed) & kPhaseMask;
    return phase == kArming || phase == kWoken;
  }

  [[nodiscard]] bool suspended() const {
    return (word_.load(std::memory_order_relaxed) & kPhaseMask) == kWaiting;
  }

  // A task object comes into use, or out of use (TaskPool).
  void begin() {
    const std::uint32_t last = word_.load(std::memory_order_relaxed) & kGenerationMask;
    word_.store((last + kOneGeneration) | kActive, std::memory_order_release);
  }
  void end() {
    const std::uint32_t generation = word_.load(std::memory_order_relaxed) & kGenerationMask;
    word_.store(generation | kEnded, std::memory_order_release);
  }
  [[nodiscard]] bool ended() const {
    return (word_.load(std::memory_order_acquire) & kPhaseMask) == kEnded;
  }

 private:
  static constexpr std::uint32_t kEnded = 0, kActive = 1, kArming = 2, kWoken = 3, kWaiting = 4,
                                 kPhaseMask = 7;
  static constexpr std::uint32_t kCancelFlag = 8;
  static constexpr unsigned kReasonShift = 4;
  static constexpr std::uint32_t kReasonMask = 3u << kReasonShift;
  static constexpr std::uint32_t kEndsWithRunFlag = 64, kAskedFlag = 128, kHeardFlag = 256;
  static constexpr std::uint32_t kEndFlags = kEndsWithRunFlag | kAskedFlag | kHeardFlag;
  static constexpr std::uint32_t kOverdueFlag = 512;
  static constexpr std::uint32_t kOneGeneration = 1024, kGenerationMask = ~(kOneGeneration - 1);
  // What suspending and waking leave as it is.
  static constexpr std::uint32_t kKept = kEndFlags | kOverdueFlag | kGenerationMask;

  static constexpr std::uint32_t encode(WakeReason reason) {
    return static_cast<std::uint32_t>(reason) << kReasonShift;
  }

  // Whether the task of that generation lives.
  static bool is(std::uint32_t word, Generation generation) {
    return (word & kPhaseMask) != kEnded &&
           (word & kGenerationMask) == static_cast<std::uint32_t>(generation);
  }

  // False when all of them are set already, or the task is over.
  bool set(std::uint32_t flags, Generation generation) {
    std::uint32_t word = word_.load(std::memory_order_relaxed);
    while (is(word, generation) && (word & flags) != flags) {
      // Release: the era that a shielded task then finds (Host::era) is at least that of its end.
      if (word_.compare_exchange_weak(word, word | flags, std::memory_order_release,
                                      std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // One attempt of a cancel request, which sets `flags` as well. Nothing, with the new word in
  // `word`, when that has changed meanwhile.
  std::optional<Claim> cancel_from(std::uint32_t& word, std::uint32_t flags) {
    const std::uint32_t phase = word & kPhaseMask;
    const std::uint32_t cancelled = (word & kKept) | kCancelFlag | encode(WakeReason::kCancelled);
    std::uint32_t next = word | kCancelFlag;
    if (phase == kArming) next = cancelled | kWoken;
    if (phase == kWaiting) next = cancelled | kActive;
    if (!word_.compare_exchange_weak(word, next | flags, std::memory_order_acq_rel,
                                     std::memory_order_relaxed)) {
      return std::nullopt;
    }
    if (phase == kArming) return Claim::kInPlace;
    return phase == kWaiting ? Claim::kSchedule : Claim::kLost;
  }

  // kWoken -> kActive; only the flags can still change meanwhile.
  void back_to_active(std::uint32_t word) {
    TONIO_DCHECK((word & kPhaseMask) == kWoken);
    while (!word_.compare_exchange_weak(word, (word & ~kPhaseMask) | kActive,
                                        std::memory_order_acquire, std::memory_order_relaxed)) {
    }
  }

  base::Atomic<std::uint32_t> word_{kEnded};
};

}  // namespace tonio::task
