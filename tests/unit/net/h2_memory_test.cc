#include "h2_memory.h"

#include <cstring>
#include <set>
#include <vector>

#include "catch.h"

using namespace lgen;

namespace {

struct Blocks {
  H2Memory memory;
  nghttp2_mem* hooks = memory.hooks();
  void* take(std::size_t size) { return hooks->malloc(size, hooks->mem_user_data); }
  void give(void* block) { hooks->free(block, hooks->mem_user_data); }
  void* zeros(std::size_t count, std::size_t size) { return hooks->calloc(count, size, hooks->mem_user_data); }
  void* resize(void* block, std::size_t size) { return hooks->realloc(block, size, hooks->mem_user_data); }
};

}  // namespace

TEST_CASE("blocks of every size are apart from each other and hold what is written") {
  Blocks blocks;
  std::vector<std::pair<unsigned char*, std::size_t>> made;
  for (std::size_t size = 0; size < 3000; size += 7) {
    auto* block = static_cast<unsigned char*>(blocks.take(size));
    REQUIRE(block != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
    std::memset(block, static_cast<int>(size % 251), size);
    made.emplace_back(block, size);
  }
  for (const auto& [block, size] : made) {
    for (std::size_t i = 0; i < size; ++i) REQUIRE(block[i] == size % 251);
    blocks.give(block);
  }
}

TEST_CASE("what is given back is handed out again: steady work takes nothing from the system") {
  Blocks blocks;
  const auto round = [&](std::size_t size) {
    std::set<void*> taken;
    for (int i = 0; i < 50; ++i) taken.insert(blocks.take(size));
    for (void* block : taken) blocks.give(block);
    return taken;
  };
  for (const std::size_t size : {1, 32, 33, 300, 1024}) CHECK(round(size) == round(size));
}

TEST_CASE("blocks come zeroed and grow as realloc has them, in every size") {
  Blocks blocks;
  void* dirty = blocks.take(64);
  std::memset(dirty, 0xff, 64);
  blocks.give(dirty);
  auto* zeros = static_cast<unsigned char*>(blocks.zeros(8, 8));
  CHECK(std::vector<unsigned char>(zeros, zeros + 64) == std::vector<unsigned char>(64, 0));
  CHECK(blocks.zeros(static_cast<std::size_t>(-1) / 2, 3) == nullptr);
  blocks.give(zeros);
  blocks.give(nullptr);

  auto* text = static_cast<char*>(blocks.resize(nullptr, 6));
  std::memcpy(text, "abcde", 6);
  for (const std::size_t size : {20, 100, 1000, 5000, 50000, 10}) {
    text = static_cast<char*>(blocks.resize(text, size));
    REQUIRE(std::strcmp(text, "abcde") == 0);
  }
  blocks.give(text);
}
