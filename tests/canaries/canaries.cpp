// One mistake for each sanitizer, which has to report it and fail the test (must_report).

#include <doctest/doctest.h>

#include <climits>
#include <cstdlib>
#include <thread>

namespace {

// So that the compiler can't see what becomes of a value.
template <class T>
T opaque(T value) {
  asm volatile("" : "+r"(value) : : "memory");
  return value;
}

}  // namespace

TEST_CASE("leak") {
  // Several: the last one's address may still be in a register.
  for (int i = 0; i < 10; ++i) CHECK(opaque(std::malloc(100)) != nullptr);
}

TEST_CASE("use_after_free") {
  auto* number = opaque(new int(1));
  delete number;
  CHECK(*opaque(number) >= INT_MIN);
}

TEST_CASE("overflow") { CHECK(opaque(INT_MAX) + opaque(1) < 0); }

TEST_CASE("float_cast_overflow") {
  volatile double huge = 1e30;
  CHECK(static_cast<int>(huge) <= INT_MAX);
}

TEST_CASE("race") {
  int number = 0;
  int* shared = opaque(&number);
  std::thread other([shared] { ++*shared; });
  ++*shared;
  other.join();
  CHECK(*opaque(shared) > 0);
}
