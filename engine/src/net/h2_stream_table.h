// The open streams of a connection by their identifiers: a table of open addressing, because there is one look-up for
// every frame, and nodes of their own would be asked for by every call.
// Thread: the loop's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace lgen {

/// `T`: has h2_id(), which stays as it is while it is in here.
template <class T>
class H2StreamTable {
 public:
  std::size_t size() const { return size_; }

  T* find(std::int32_t id) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t at = home(id);; at = after(at)) {
      if (slots_[at] == nullptr || slots_[at]->h2_id() == id) return slots_[at];
    }
  }
  void insert(T& stream) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    place(stream);
    ++size_;
  }
  /// Closes the gap, so that every stream is found from its home without passing an empty slot.
  void erase(const T& stream) {
    std::size_t gap = home(stream.h2_id());
    while (slots_[gap] != &stream) gap = after(gap);
    for (std::size_t at = after(gap); slots_[at] != nullptr; at = after(at)) {
      const std::size_t from_home = (at - home(slots_[at]->h2_id())) & mask();
      if (from_home < ((at - gap) & mask())) continue;
      slots_[gap] = slots_[at];
      gap = at;
    }
    slots_[gap] = nullptr;
    --size_;
  }
  /// All of them, oldest first.
  std::vector<T*> all() const {
    std::vector<T*> found;
    for (T* one : slots_) {
      if (one != nullptr) found.push_back(one);
    }
    std::sort(found.begin(), found.end(), [](const T* a, const T* b) { return a->h2_id() < b->h2_id(); });
    return found;
  }

 private:
  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t after(std::size_t at) const { return (at + 1) & mask(); }
  /// Identifiers rise by two; spread, long-lived ones form no clusters.
  std::size_t home(std::int32_t id) const { return (static_cast<std::uint32_t>(id) * 0x9e3779b1u >> 7) & mask(); }
  void place(T& stream) {
    std::size_t at = home(stream.h2_id());
    while (slots_[at] != nullptr) at = after(at);
    slots_[at] = &stream;
  }
  void grow() {
    std::vector<T*> before(slots_.empty() ? 16 : 2 * slots_.size());
    before.swap(slots_);
    for (T* one : before) {
      if (one != nullptr) place(*one);
    }
  }

  std::vector<T*> slots_;  // a power of two of them, half of them empty at least
  std::size_t size_ = 0;
};

}  // namespace lgen
