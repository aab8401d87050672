// Lists whose links lie in their elements: joining and leaving cost no memory and no search.
// Thread: the loop's.
// Lifetime: an element leaves its lists when it is destroyed.
#pragma once

namespace lgen {

/// The links of an element in one list; Tag tells the lists of an element apart.
template <class Tag>
class ListHook {
 public:
  ListHook() = default;
  ~ListHook() { unlink(); }
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;

  bool linked() const { return next_ != this; }
  void unlink() {
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = this;
  }

 private:
  template <class, class>
  friend class HookList;
  ListHook* prev_ = this;
  ListHook* next_ = this;
};

/// First in, first out. T inherits ListHook<Tag>.
template <class T, class Tag>
class HookList {
 public:
  bool empty() const { return !head_.linked(); }
  T& front() { return static_cast<T&>(*head_.next_); }
  /// Harmless for an element that is in a list of this tag already.
  void push_back(T& element) {
    ListHook<Tag>& hook = element;
    if (!hook.linked()) insert(hook);
  }
  T* pop_front() {
    if (empty()) return nullptr;
    T& first = front();
    static_cast<ListHook<Tag>&>(first).unlink();
    return &first;
  }
  /// Takes all elements of `other`.
  void take(HookList& other) {
    while (T* element = other.pop_front()) push_back(*element);
  }

 private:
  void insert(ListHook<Tag>& hook) {
    hook.prev_ = head_.prev_;
    hook.next_ = &head_;
    head_.prev_->next_ = &hook;
    head_.prev_ = &hook;
  }
  ListHook<Tag> head_;
};

}  // namespace lgen
