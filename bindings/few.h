// A list of pointers of which there is mostly none or one: that one needs no memory of its own. Held streams come by
// the ten thousand, and each is waited for by somebody. Thread: one owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lgen::lua {

template <class T>
class Few {
 public:
  Few() = default;
  Few(Few&& other) noexcept { swap(other); }
  Few& operator=(Few&& other) noexcept {
    Few taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~Few() {
    if (!alone()) delete[] many_;
  }

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T* const* begin() const { return alone() ? &one_ : many_; }
  T* const* end() const { return begin() + size_; }
  T& front() const { return **begin(); }

  void add(T& element) {
    if (size_ == room_) grow();
    at(size_++) = &element;
  }
  /// The last one, taken out.
  T& take_last() { return *at(--size_); }
  /// The others keep their order. Harmless for one that is not there.
  void remove(const T& element) {
    const auto found = std::find(begin(), end(), &element);
    if (found == end()) return;
    for (auto i = static_cast<std::uint32_t>(found - begin()); i + 1 < size_; ++i) at(i) = at(i + 1);
    --size_;
  }

 private:
  bool alone() const { return room_ == 1; }
  T*& at(std::uint32_t index) { return alone() ? one_ : many_[index]; }
  void grow() {
    const std::uint32_t room = room_ * 4;
    T** more = new T*[room];
    std::copy(begin(), end(), more);
    if (!alone()) delete[] many_;
    many_ = more;
    room_ = room;
  }
  void swap(Few& other) {
    std::swap(size_, other.size_);
    std::swap(room_, other.room_);
    std::swap(many_, other.many_);  // or one_: the same bits
  }

  std::uint32_t size_ = 0, room_ = 1;
  union {
    T* one_;
    T** many_ = nullptr;
  };
};

}  // namespace lgen::lua
