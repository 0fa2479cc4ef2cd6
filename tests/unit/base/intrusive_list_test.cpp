#include "base/intrusive_list.h"

#include <doctest/doctest.h>

#include <vector>

using namespace tonio;

namespace {
struct Member : base::ListHook {
  explicit Member(int n) : number(n) {}
  int number;
};

std::vector<int> numbers(const base::IntrusiveList<Member>& list) {
  std::vector<int> found;
  list.for_each([&](Member& member) { found.push_back(member.number); });
  return found;
}
}  // namespace

TEST_CASE("a list keeps the order of insertion and lets any member go") {
  base::IntrusiveList<Member> list;
  Member a(1), b(2), c(3), d(4);
  CHECK(list.empty());
  CHECK(list.front() == nullptr);
  for (Member* member : {&a, &b, &c, &d}) list.push_back(*member);
  CHECK(numbers(list) == std::vector{1, 2, 3, 4});
  list.remove(b);
  CHECK(!b.linked());
  list.remove(b);  // no effect
  CHECK(numbers(list) == std::vector{1, 3, 4});
  list.remove(d);
  list.push_back(b);
  CHECK(numbers(list) == std::vector{1, 3, 2});
  CHECK(list.pop_front() == &a);
  CHECK(list.pop_front() == &c);
  CHECK(list.pop_front() == &b);
  CHECK(list.pop_front() == nullptr);
  CHECK(list.empty());
}

TEST_CASE("a member goes behind the last one that comes before it") {
  base::IntrusiveList<Member> list;
  Member one(1), two(2), other_two(2), three(3), none(0);
  const auto insert = [&](Member& member) {
    list.insert_from_back(member,
                          [&](const Member& other) { return other.number <= member.number; });
  };
  for (Member* member : {&three, &one, &two, &none, &other_two}) insert(*member);
  CHECK(numbers(list) == std::vector{0, 1, 2, 2, 3});
  CHECK(list.back() == &three);
  list.remove(three);
  CHECK(list.back() == &other_two);
  for (Member* member : {&one, &two, &none, &other_two}) list.remove(*member);
  CHECK(list.back() == nullptr);
}
