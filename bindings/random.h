// Random numbers that depend on the seed and on who draws, never on when: each task has its own stream.
// Algorithm: xoshiro256** seeded by splitmix64 (Blackman & Vigna, https://prng.di.unimi.it/).
// Thread: one owner each.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace lgen::lua {

/// One step of splitmix64: mixes a counter into 64 random-looking bits.
inline std::uint64_t mix64(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// FNV-1a: names to numbers, the same on every machine.
inline std::uint64_t hash_name(std::string_view name) {
  std::uint64_t h = 0xcbf29ce484222325ull;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return h;
}

class Random {
 public:
  /// To be seeded by assignment before the first draw: most tasks never draw.
  struct Unseeded {};
  explicit Random(Unseeded) : state_{} {}
  bool seeded() const { return state_ != std::array<std::uint64_t, 4>{}; }

  explicit Random(std::uint64_t seed = 0) {
    for (auto& word : state_) word = seed = mix64(seed);
  }

  std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  /// In [0, 1), 53 bits.
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  double uniform(double low, double high) { return low + (high - low) * unit(); }
  /// In [low, high], every value equally likely (rejection of the biased tail).
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low) + 1;
    if (range == 0) return static_cast<std::int64_t>(next());
    const std::uint64_t limit = -range % range;
    std::uint64_t draw = next();
    while (draw < limit) draw = next();
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + draw % range);
  }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace lgen::lua
