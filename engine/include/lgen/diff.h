// Two runs compared, from the histograms and counters of their summaries.
// Thread: pure functions; values.
// Units: of the metric; changes and intervals are relative (0.05 is 5 % more), those of shares are differences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/report.h"
#include "lgen/summary.h"

namespace lgen {

inline constexpr std::string_view kDiffSchema = "lgen.diff/1";

struct DiffSettings {
  double min_effect = 0.05;  // relative; less is "same", however certain
  double confidence = 0.99;
  bool excuse_invalid = false;  // figures of a generator that was the bottleneck are compared all the same
  std::uint64_t seed = 1;
  int replicates = 4000;
};

enum class DiffVerdict {
  better,
  worse,
  changed,  // by more than chance and the least effect, but nobody knows which way is better
  same,
  too_few,  // samples to tell
};
std::string_view to_string(DiffVerdict verdict);

struct DiffRow {
  enum class Kind { value, rate, share };
  std::string metric, unit;
  Labels labels;     // what the row is about; backends, channels and codes are added up
  std::string stat;  // "p99", "per second", "failed"
  Kind kind = Kind::value;
  double a = 0, b = 0;
  std::uint64_t samples_a = 0, samples_b = 0;
  double change = 0, low = 0, high = 0;
  DiffVerdict verdict = DiffVerdict::same;
};

struct Diff {
  DiffSettings settings;
  std::vector<DiffRow> rows;
  std::vector<std::string> only_a, only_b;  // what one run alone has measured
  std::vector<std::string> warnings;        // why the two may not be comparable
  std::vector<std::string> invalid;         // "A", "B": whose generator was the bottleneck
  bool any(DiffVerdict verdict) const;
  /// False: a generator was the bottleneck, and that is not excused.
  bool counts() const { return invalid.empty() || settings.excuse_invalid; }
};

Diff compare(const Summary& a, const Summary& b, const DiffSettings& settings);

/// `name_a`, `name_b`: the files they come from.
std::string render_diff(const Diff& diff, const Summary& a, const Summary& b, const std::string& name_a,
                        const std::string& name_b, const ConsoleStyle& style);
std::string render_diff_json(const Diff& diff, const Summary& a, const Summary& b, const std::string& name_a,
                             const std::string& name_b);

}  // namespace lgen
