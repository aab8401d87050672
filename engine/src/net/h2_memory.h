// Memory for nghttp2's HPACK, which asks for a few small blocks and gives others back for every field that enters a
// table: they are kept by size and handed out again.
// Thread: the loop's. Lifetime: outlives the sessions that use it. Blocks go back to the system with it, not before.
#pragma once

#include <nghttp2/nghttp2.h>

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace lgen {

class H2Memory {
 public:
  H2Memory();
  H2Memory(const H2Memory&) = delete;
  H2Memory& operator=(const H2Memory&) = delete;

  /// For nghttp2_session_client_new3(), which copies it.
  nghttp2_mem* hooks() { return &hooks_; }

 private:
  static constexpr std::size_t kStep = 16;     // sizes are multiples of it
  static constexpr std::size_t kClasses = 64;  // larger blocks are the system's
  static constexpr std::size_t kSlab = 32 << 10;

  struct alignas(std::max_align_t) Head {
    std::size_t room;  // bytes behind it
  };
  struct Free {
    Free* next;
  };

  static Head& head_of(void* block) { return static_cast<Head*>(block)[-1]; }
  void* take(std::size_t size);
  void give(void* block);
  void* resize(void* block, std::size_t size);
  void cut_slab(std::size_t kind);

  nghttp2_mem hooks_;
  std::array<Free*, kClasses> free_{};
  std::vector<std::unique_ptr<std::byte[]>> slabs_;
};

}  // namespace lgen
