// Memory of a Lua state. A plan makes and drops about ten small objects for every call; their blocks are kept by size
// and handed out again, which takes a fifth of what a general allocator does. LuaJIT tells the size of what it gives
// back, so that blocks carry nothing besides. Thread: the loop's. Lifetime: outlives the Lua state. Small blocks go
// back to the system with it, not before.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace lgen::lua {

class LuaMemory {
 public:
  LuaMemory() = default;
  LuaMemory(const LuaMemory&) = delete;
  LuaMemory& operator=(const LuaMemory&) = delete;

  /// A lua_Alloc; `self`: a LuaMemory.
  static void* change(void* self, void* block, std::size_t old_size, std::size_t new_size);

 private:
  static constexpr std::size_t kStep = 16;   // sizes are multiples of it
  static constexpr std::size_t kMost = 512;  // larger blocks are the system's
  static constexpr std::size_t kSlab = 32 << 10;

  struct Free {
    Free* next;
  };

  static std::size_t kind_of(std::size_t size) { return (size - 1) / kStep; }
  void* take(std::size_t size);
  void give(void* block, std::size_t size);
  void* resize(void* block, std::size_t old_size, std::size_t new_size);
  bool cut_slab(std::size_t kind);

  std::array<Free*, kMost / kStep> free_{};
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
};

}  // namespace lgen::lua
