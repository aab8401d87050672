#include "lua_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace lgen::lua {

void* LuaMemory::change(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  auto& memory = *static_cast<LuaMemory*>(self);
  if (block == nullptr) return new_size == 0 ? nullptr : memory.take(new_size);
  if (new_size != 0) return memory.resize(block, old_size, new_size);
  memory.give(block, old_size);
  return nullptr;
}

void* LuaMemory::take(std::size_t size) {
  if (size > kMost) return std::malloc(size);
  Free*& first = free_[kind_of(size)];
  if (first == nullptr && !cut_slab(kind_of(size))) return nullptr;
  Free* block = first;
  first = block->next;
  return block;
}

void LuaMemory::give(void* block, std::size_t size) {
  if (size > kMost) return std::free(block);
  Free*& first = free_[kind_of(size)];
  first = new (block) Free{first};
}

void* LuaMemory::resize(void* block, std::size_t old_size, std::size_t new_size) {
  if (old_size > kMost && new_size > kMost) return std::realloc(block, new_size);
  if (old_size <= kMost && new_size <= kMost && kind_of(old_size) == kind_of(new_size)) return block;
  void* moved = take(new_size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(old_size, new_size));
  give(block, old_size);
  return moved;
}

/// Lua is told of memory that is used up by a null, not by an exception.
bool LuaMemory::cut_slab(std::size_t kind) {
  const std::size_t size = (kind + 1) * kStep;
  std::unique_ptr<std::byte[]> slab(new (std::nothrow) std::byte[kSlab]);
  if (!slab) return false;
  for (std::size_t at = kSlab / size * size; at > 0; at -= size) {
    free_[kind] = new (slab.get() + at - size) Free{free_[kind]};
  }
  slabs_.push_back(std::move(slab));
  return true;
}

}  // namespace lgen::lua
