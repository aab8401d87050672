// What the recorders of all protocols have in common: backends with histograms of their own, and what one call site
// keeps for each code and backend, behind a cache of 256 slots, probed at most four deep: a hit costs one cheap hash
// and two comparisons, a miss one map look-up. Thread: the loop's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "lgen/metrics.h"

namespace lgen {

inline constexpr SeriesId kUnresolved = ~SeriesId{0};

/// Backends with latency histograms of their own: the first 64 of the run, the rest share `overflow`.
class BackendNames {
 public:
  std::string_view label(std::string_view backend) {
    if (backend.empty() || names_.contains(std::string(backend))) return backend;
    if (names_.size() >= kNamed) return "overflow";
    names_.emplace(backend);
    return backend;
  }

 private:
  static constexpr std::size_t kNamed = 64;
  std::unordered_set<std::string> names_;
};

/// The Outlet (with texts `code` and `backend`) of each code and backend, made on first sight and never moved.
template <class Outlet>
class Outlets {
 public:
  /// `fresh(outlet)` completes a new one.
  template <class Fresh>
  Outlet& at(std::string_view code, std::string_view backend, Fresh fresh) {
    const std::size_t first = cheap_hash(backend) + code.size();
    for (std::size_t probe = 0; probe < kProbes; ++probe) {
      Outlet*& slot = cache_[(first + probe) % kSlots];
      if (!slot) slot = &find(code, backend, fresh);
      if (slot->backend == backend && slot->code == code) return *slot;
    }
    return find(code, backend, fresh);
  }

 private:
  static constexpr std::size_t kSlots = 256, kProbes = 4;

  /// 0..255. Names of pods differ in their last letters, so these and the length make the hash.
  static std::size_t cheap_hash(std::string_view text) {
    std::uint64_t tail = 0;
    const std::size_t n = std::min(text.size(), sizeof(tail));
    if (n > 0) std::memcpy(&tail, text.data() + text.size() - n, n);
    return static_cast<std::size_t>((tail ^ text.size()) * 0x9e3779b97f4a7c15ull >> 56);
  }

  template <class Fresh>
  Outlet& find(std::string_view code, std::string_view backend, Fresh fresh) {
    const auto [it, made] = outlets_.try_emplace({std::string(code), std::string(backend)});
    if (made) {
      it->second.code = code;
      it->second.backend = backend;
      fresh(it->second);
    }
    return it->second;
  }

  std::array<Outlet*, kSlots> cache_{};
  std::map<std::pair<std::string, std::string>, Outlet> outlets_;
};

/// A tag never overrides a label that the engine sets.
inline Labels with_tags(Labels labels, const Labels& tags) {
  const Labels own = labels;
  for (const auto& tag : tags) {
    const bool taken = std::any_of(own.begin(), own.end(), [&](const auto& label) { return label.first == tag.first; });
    if (!taken) labels.push_back(tag);
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

}  // namespace lgen
