// Human notations of plans and flags to numbers and back: "1m30s", "64KiB", "2.5k/s", "1s..5s".
// Units: seconds, bytes, bits per second.
// Thread: pure functions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen {

/// "250ms", "1m30s", "2h", "0.5" (seconds). Units ns us ms s m h; a bare number is seconds. Negative: an error.
Result<Duration> parse_duration(std::string_view text);

/// "A..B" or "B" (= 0..B); A <= B.
Result<std::pair<Duration, Duration>> parse_duration_range(std::string_view text);

/// "64KiB", "10MB", "512": B, kB MB GB (powers of 1000), KiB MiB GiB (powers of 1024).
Result<std::uint64_t> parse_size(std::string_view text);

/// "10Mbps", "1Gbit/s", "64k": bits per second, powers of 1000.
Result<double> parse_bitrate(std::string_view text);

/// A duration as people write it: "1.5s", "250ms", "12.3us", "2m5s". At most four significant digits.
std::string format_duration(Duration d);

/// "1.2 KiB", "3.4 MiB".
std::string format_size(double bytes);

/// The candidate closest to `word` (edit distance at most a third of its length and one more, case ignored), or empty.
/// At least half of the shorter word must stay: 'x' is no misspelt 'ca', nor 'io' a misspelt 'cl'.
template <class Range>
std::string_view did_you_mean(std::string_view word, const Range& candidates);

/// Number of single-character edits between two words, case ignored (Levenshtein with transpositions).
std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::string_view did_you_mean(std::string_view word, const Range& candidates) {
  std::string_view best;
  std::size_t best_distance = word.size() / 3 + 1;
  for (const auto& candidate : candidates) {
    const std::string_view name{candidate};
    const std::size_t distance = edit_distance(word, name);
    if (2 * distance > std::min(word.size(), name.size())) continue;
    if (distance <= best_distance && (best.empty() || distance < best_distance)) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace lgen
