// What the tests of channels share.
#pragma once

#include <doctest/doctest.h>

#include "support/step_task.h"
#include "sync/channel.h"

namespace tonio::test {

using Outcome = sync::Channel::Outcome;

inline void suspend_sending(sync::Channel& channel, StepTask& task, int& message) {
  REQUIRE(task.state().begin_arming());
  REQUIRE(channel.send(&message, &task.waiter()) == Outcome::kBlocked);
  REQUIRE(task.state().finish_arming());
}

inline void suspend_receiving(sync::Channel& channel, StepTask& task) {
  void* message = nullptr;
  REQUIRE(task.state().begin_arming());
  REQUIRE(channel.receive(message, &task.waiter()) == Outcome::kBlocked);
  REQUIRE(task.state().finish_arming());
}

// The next message, without waiting; null when there is none.
inline int* next(sync::Channel& channel) {
  void* message = nullptr;
  return channel.receive(message) == Outcome::kDone ? static_cast<int*>(message) : nullptr;
}

// What a task that was resumed with kCompleted has received.
inline int* got(StepTask& task) {
  void* message = nullptr;
  REQUIRE(task.state().reason() == task::WakeReason::kCompleted);
  return sync::Channel::received(task.waiter(), message) == Outcome::kDone
             ? static_cast<int*>(message)
             : nullptr;
}

}  // namespace tonio::test
