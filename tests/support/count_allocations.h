// Counts every operator new of each thread. For programs of one source: it replaces the operators of the whole program.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t allocations = 0;

}  // namespace

#pragma GCC diagnostic ignored "-Wmismatched-new-delete"  // GCC sees malloc and free through these, and no pair of ours
void* operator new(std::size_t size) {
  ++allocations;
  if (void* bytes = std::malloc(size)) return bytes;
  throw std::bad_alloc();
}
void* operator new(std::size_t size,
                   const std::nothrow_t&) noexcept {  // else a sanitizer's, whose bytes delete refuses
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* bytes) noexcept { std::free(bytes); }
void operator delete(void* bytes, std::size_t) noexcept { std::free(bytes); }
