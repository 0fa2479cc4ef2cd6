// How one worker sleeps, and how others wake it.
//
// One word holds where the worker is, whether a token was left for it, and whether it
// was asked to keep watch. unpark() leaves the token whatever the worker is doing, so
// a wake-up that comes before the sleep is not lost; the sleep consumes it. A token
// leaves the request as it is: only the worker itself takes that back.
#pragma once

#include <cstdint>

#include "base/atomic.h"
#include "base/clock.h"

namespace tonio::scheduler {

class Parker {
 public:
  // Why a sleep has ended. Neither: its deadline has passed.
  struct Woken {
    bool notified = false;  // a token: there may be work
    bool watch = false;     // asked to keep watch (Worker::keep_watch)
  };

  // Owner: sleeps until one of the above. Detached.
  Woken sleep(base::Instant deadline);

  // Owner, around Driver::poll. False when a token was there already; it is consumed
  // then, and the poll must not happen.
  [[nodiscard]] bool begin_drive();
  // Consumes a token that came during the poll.
  void end_drive();

  // Any thread: leaves the token. True when the owner drives: the caller must also
  // wake the driver.
  [[nodiscard]] bool unpark();

  // Any thread: asks the owner, which is in its park, to keep watch.
  void request_watch();
  // Owner: True when there was a request, which is gone now.
  [[nodiscard]] bool take_watch_request();

 private:
  static constexpr std::uint32_t kAwake = 0, kNotified = 1, kAsleep = 2, kDriving = 3,
                                 kPhaseMask = 3;
  static constexpr std::uint32_t kWatchFlag = 4;

  base::Atomic<std::uint32_t> word_{kAwake};
};

}  // namespace tonio::scheduler
