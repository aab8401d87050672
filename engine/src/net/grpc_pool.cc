// Which channel of a pool takes the next call.
#include <algorithm>
#include <utility>

#include "lgen/grpc.h"

namespace lgen {
namespace {

/// splitmix64 (public domain, Vigna 2015): good enough to deal calls and repeatable from the seed.
std::uint64_t next_random(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

/// An unbiased draw from 0..size-1 costs a loop; the bias of the high half of a product is below 2^-32 for any pool.
std::size_t draw(std::uint64_t& state, std::size_t size) {
  return static_cast<std::size_t>((next_random(state) >> 32) * size >> 32);
}

}  // namespace

GrpcPool::GrpcPool(std::vector<std::shared_ptr<GrpcChannel>> channels, Pick pick, std::uint64_t seed)
    : channels_(std::move(channels)), pick_(pick), random_state_(seed) {}

std::size_t GrpcPool::pick(std::uint64_t vu) {
  const std::size_t size = channels_.size();
  switch (pick_) {
    case Pick::random:
      return draw(random_state_, size);
    case Pick::by_vu:
      return static_cast<std::size_t>((vu - 1) % size);
    case Pick::least_streams: {
      const auto fewer = [](const auto& a, const auto& b) { return a->open_calls() < b->open_calls(); };
      return static_cast<std::size_t>(std::min_element(channels_.begin(), channels_.end(), fewer) - channels_.begin());
    }
    case Pick::round_robin:
      break;
  }
  return static_cast<std::size_t>(next_++ % size);
}

}  // namespace lgen
