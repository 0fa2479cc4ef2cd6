// How one worker sleeps, and how others wake it.
//
// One word holds where the worker is and whether a token was left for it. unpark()
// leaves the token whatever the worker is doing, so a wake-up that comes before the
// sleep is not lost; the sleep consumes it.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"

namespace tonio::scheduler {

class Parker {
 public:
  enum class Woken {
    kNotified,  // there may be work
    kWatch,     // asked to keep watch (Worker::keep_watch)
    kDeadline,
  };

  // Owner: sleeps until one of the above. Detached.
  Woken sleep(base::Instant deadline);

  // Owner, around Driver::poll. begin_drive() is false when a token was there
  // already; it is consumed then, and the poll must not happen.
  enum class Drive { kGo, kGoNotWatching, kNotified };
  [[nodiscard]] Drive begin_drive();
  // Consumes a token that came during the poll.
  void end_drive();

  // Any thread: leaves the token.
  enum class Unpark {
    kDone,
    kWasDriving,   // the caller must also wake the driver
    kWasToWatch,   // the request to keep watch has been overwritten
  };
  [[nodiscard]] Unpark unpark();

  // Any thread: asks a worker that sleeps, or is about to, to keep watch. False when
  // it is neither.
  [[nodiscard]] bool request_watch();

 private:
  static constexpr std::uint32_t kAwake = 0, kNotified = 1, kAsleep = 2, kWatch = 3,
                                 kDriving = 4;

  std::atomic<std::uint32_t> word_{kAwake};
};

}  // namespace tonio::scheduler
