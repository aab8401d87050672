// Objects that are used again instead of being made anew; as many as were ever in use at once.
// Thread: one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace lgen::lua {

/// Memory for objects of one type that are made and destroyed all the time.
class FreeMemory {
 public:
  FreeMemory() = default;
  FreeMemory(const FreeMemory&) = delete;
  FreeMemory& operator=(const FreeMemory&) = delete;
  ~FreeMemory() {
    for (void* block : free_) ::operator delete(block);
  }
  /// `size`: always the same.
  void* take(std::size_t size) {
    if (free_.empty()) return ::operator new(size);
    void* block = free_.back();
    free_.pop_back();
    return block;
  }
  void give(void* block) { free_.push_back(block); }

 private:
  std::vector<void*> free_;
};

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
