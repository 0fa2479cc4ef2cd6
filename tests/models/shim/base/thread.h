// In place of runtime/base/thread.h.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "explorer.h"

namespace tonio::base {

class Thread {
 public:
  Thread() = default;
  explicit Thread(unsigned number) : number_(number) {}

  bool joinable() const { return number_.has_value(); }
  void join() {
    model::Explorer::current().join(*number_);
    number_.reset();
  }
  void detach() { number_.reset(); }

 private:
  std::optional<unsigned> number_;
};

template <typename Main>
Thread start_thread(const std::string&, Main&& main) {
  return Thread(model::Explorer::current().start_thread(std::forward<Main>(main)));
}

template <typename T>
class OfThread {
 public:
  static T* get() { return static_cast<T*>(model::Explorer::current().own_slot()); }
  static void set(T* object) { model::Explorer::current().own_slot() = object; }
};

}  // namespace tonio::base
