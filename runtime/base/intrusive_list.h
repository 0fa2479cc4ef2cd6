// A doubly linked list whose links live in its members: no allocation, removal
// from the middle in constant time. Not synchronised: the owner's lock guards it.
#pragma once

#include "base/check.h"

namespace tonio::base {

// A member of at most one IntrusiveList at a time.
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool linked() const { return next_ != nullptr; }

 private:
  template <typename T>
  friend class IntrusiveList;

  ListHook* next_ = nullptr;
  ListHook* prev_ = nullptr;
};

// T derives from ListHook. The list owns nothing.
template <typename T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return head_.next_ == &head_; }
  T* front() { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  T* back() { return empty() ? nullptr : static_cast<T*>(head_.prev_); }

  void push_back(T& member) { link_behind(*head_.prev_, member); }

  // Behind the last member that `comes_before` holds for, which is looked for from the end.
  template <typename ComesBefore>
  void insert_from_back(T& member, ComesBefore&& comes_before) {
    ListHook* before = head_.prev_;
    while (before != &head_ && !comes_before(static_cast<const T&>(*before)))
      before = before->prev_;
    link_behind(*before, member);
  }

  // From whatever list it is in. No effect on a member that isn't linked.
  static void remove(T& member) {
    ListHook& hook = member;
    if (!hook.linked()) return;
    hook.prev_->next_ = hook.next_;
    hook.next_->prev_ = hook.prev_;
    hook.next_ = hook.prev_ = nullptr;
  }

  T* pop_front() {
    T* member = front();
    if (member) remove(*member);
    return member;
  }

  // `visit` must not change the list.
  template <typename Visit>
  void for_each(Visit&& visit) const {
    for (ListHook* hook = head_.next_; hook != &head_;) {
      ListHook* next = hook->next_;
      visit(static_cast<T&>(*hook));
      hook = next;
    }
  }

 private:
  static void link_behind(ListHook& before, ListHook& hook) {
    TONIO_DCHECK(!hook.linked());
    hook.prev_ = &before;
    hook.next_ = before.next_;
    before.next_->prev_ = &hook;
    before.next_ = &hook;
  }

  mutable ListHook head_;
};

}  // namespace tonio::base
