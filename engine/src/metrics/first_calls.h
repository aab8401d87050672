// Which calls were the first on their backend or connection, and the slowest of them for the report.
//
// First is who starts first. Of calls side by side the first to start may be the last to end, and that one is what a
// cold start looks like; so a call that ends counts as the first when it started before all that have ended there
// until then. One after the other that is exactly one call; side by side it may be a few.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lgen/recorder.h"

namespace lgen {

class FirstCalls {
 public:
  /// Whether `started` is earlier than all before it there; `earliest` becomes the earliest.
  bool first_on(std::string_view backend, TimePoint started, TimePoint& earliest);
  bool first_on(std::uint64_t connection, TimePoint started, TimePoint& earliest);

  /// Keeps a call among the slowest. One that started before the one kept for its place takes that one's place.
  void keep(FirstCall call);
  const std::vector<FirstCall>& kept() const { return kept_; }

 private:
  std::unordered_map<std::string, TimePoint> backends_;
  std::unordered_map<std::uint64_t, TimePoint> connections_;
  std::vector<FirstCall> kept_;  // slowest first
};

/// What the report tells of a first call; `why`: "dial and TLS 12ms, first on the backend", with what is known of the
/// steps: "dial and TLS 12ms (dial 1ms, TLS 11ms), ...".
FirstCall describe_first(FirstOn first, const CallSiteKey& key, const Timing& timing, std::string_view backend,
                         std::string_view code, FirstCallFacts facts);

}  // namespace lgen
