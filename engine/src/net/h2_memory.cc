#include "h2_memory.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace lgen {

H2Memory::H2Memory()
    : hooks_{
          this, [](std::size_t size, void* self) { return static_cast<H2Memory*>(self)->take(size); },
          [](void* block, void* self) { static_cast<H2Memory*>(self)->give(block); },
          [](std::size_t count, std::size_t size, void* self) -> void* {
            if (size != 0 && count > static_cast<std::size_t>(-1) / size) return nullptr;
            void* block = static_cast<H2Memory*>(self)->take(count * size);
            return block != nullptr ? std::memset(block, 0, count * size) : nullptr;
          },
          [](void* block, std::size_t size, void* self) { return static_cast<H2Memory*>(self)->resize(block, size); }} {
}

void* H2Memory::take(std::size_t size) {
  const std::size_t kind = size == 0 ? 0 : (size - 1) / kStep;
  if (kind < kClasses) {
    if (free_[kind] == nullptr) cut_slab(kind);
    Free* block = free_[kind];
    free_[kind] = block->next;
    return block;
  }
  if (size > static_cast<std::size_t>(-1) - sizeof(Head)) return nullptr;
  auto* head = static_cast<Head*>(std::malloc(sizeof(Head) + size));
  if (head == nullptr) return nullptr;
  head->room = size;
  return head + 1;
}

void H2Memory::give(void* block) {
  if (block == nullptr) return;
  Head& head = head_of(block);
  if (head.room > kStep * kClasses) return std::free(&head);
  Free*& first = free_[head.room / kStep - 1];
  first = new (block) Free{first};
}

void* H2Memory::resize(void* block, std::size_t size) {
  if (block == nullptr) return take(size);
  const std::size_t room = head_of(block).room;
  if (size <= room) return block;
  void* larger = take(size);
  if (larger == nullptr) return nullptr;
  std::memcpy(larger, block, room);
  give(block);
  return larger;
}

void H2Memory::cut_slab(std::size_t kind) {
  const std::size_t room = (kind + 1) * kStep;
  const std::size_t each = sizeof(Head) + room;
  slabs_.push_back(std::make_unique<std::byte[]>(kSlab));
  for (std::size_t at = 0; at + each <= kSlab; at += each) {
    auto* head = new (slabs_.back().get() + at) Head{room};
    free_[kind] = new (head + 1) Free{free_[kind]};
  }
}

}  // namespace lgen
