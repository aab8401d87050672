// Objects that are used again instead of being made anew; as many as were ever in use at once.
// Thread: one owner.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace lgen::lua {

template <class T>
class FreeList {
 public:
  /// One that is free, as its last user left it, or a new one made from `arguments`.
  template <class... Arguments>
  T& take(Arguments&&... arguments) {
    if (free_.empty()) {
      all_.push_back(std::make_unique<T>(std::forward<Arguments>(arguments)...));
      return *all_.back();
    }
    T& object = *free_.back();
    free_.pop_back();
    return object;
  }
  void give(T& object) { free_.push_back(&object); }

  /// All of them, busy or free.
  const std::vector<std::unique_ptr<T>>& all() const { return all_; }

 private:
  std::vector<std::unique_ptr<T>> all_;
  std::vector<T*> free_;
};

}  // namespace lgen::lua
