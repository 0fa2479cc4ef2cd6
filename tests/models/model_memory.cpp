// The explorer itself: it finds what the memory model allows, and nothing that it forbids.
#include <set>

#include "model.h"

using namespace tonio::model;
using tonio::base::Atomic;

namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kSeqCst = std::memory_order_seq_cst;

// Store buffering: two threads store, then look at the other's word. Whether both can miss
// the other's store.
bool both_may_miss(std::memory_order store, std::memory_order load, bool fence, Bounds bounds) {
  bool missed = false;
  // Explorers don't nest: this one runs before the scenario does.
  Explorer(bounds, [&] {
    Atomic<int> x, y;
    int saw_y = -1, saw_x = -1;
    parallel(
        [&] {
          x.store(1, store);
          if (fence) tonio::base::atomic_fence(kSeqCst);
          saw_y = y.load(load);
        },
        [&] {
          y.store(1, store);
          if (fence) tonio::base::atomic_fence(kSeqCst);
          saw_x = x.load(load);
        });
    missed = missed || (saw_y == 0 && saw_x == 0);
  }).explore();
  return missed;
}

// Message passing: whether the flag can be seen without the message.
bool message_may_be_missed(std::memory_order store, std::memory_order load, Bounds bounds) {
  bool missed = false;
  Explorer(bounds, [&] {
    Atomic<int> message, flag;
    int saw_flag = 0, saw_message = 0;
    parallel(
        [&] {
          message.store(1, kRelaxed);
          flag.store(1, store);
        },
        [&] {
          saw_flag = flag.load(load);
          saw_message = message.load(kRelaxed);
        });
    missed = missed || (saw_flag == 1 && saw_message == 0);
  }).explore();
  return missed;
}

// The orders in which three threads can exchange one word: all six.
std::size_t orders_of_three(Bounds bounds) {
  std::set<std::vector<int>> seen;
  Explorer(bounds, [&] {
    Atomic<int> word;
    int had[3];
    parallel([&] { had[0] = word.exchange(1); }, [&] { had[1] = word.exchange(2); },
             [&] { had[2] = word.exchange(3); });
    seen.insert({had[0], had[1], had[2]});
  }).explore();
  return seen.size();
}

struct Findings {
  bool relaxed, acq_rel, fenced, consistent;
  bool relaxed_message, message;
  std::size_t orders;
};

Findings look(Bounds bounds) {
  return {both_may_miss(kRelaxed, kRelaxed, false, bounds),
          both_may_miss(kRelease, kAcquire, false, bounds),
          both_may_miss(kRelaxed, kRelaxed, true, bounds),
          both_may_miss(kSeqCst, kSeqCst, false, bounds),
          message_may_be_missed(kRelaxed, kAcquire, bounds),
          message_may_be_missed(kRelease, kAcquire, bounds),
          orders_of_three(bounds)};
}

void check(const Findings& found) {
  require(found.relaxed, "relaxed: both threads may miss the other's store");
  require(found.acq_rel, "release and acquire don't order a store before a load");
  require(!found.fenced, "a fence on both sides: one of them sees the other");
  require(!found.consistent, "sequentially consistent: one of them sees the other");
  require(found.relaxed_message, "a relaxed flag does not carry the message");
  require(!found.message, "a release that is acquired carries the message");
  require(found.orders == 6, "three threads have six orders");
}

}  // namespace

std::vector<Scenario> tonio::model::scenarios() {
  const Bounds all{};
  const Bounds bounded{2, 1};
  const Findings in_all = look(all);
  const Findings within = look(bounded);
  return {{"litmus tests, all orders", all, all, [in_all] { check(in_all); }},
          {"litmus tests, within bounds", bounded, bounded, [within] { check(within); }}};
}
