// Which row (a connection's life) met which column (a backend) how often, and what that says about the balancer.
// The verdict's rules are at the top of distribution.cc.
// Thread: one; the verdict is a pure function with a fixed seed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace lgen {

enum class VerdictKind { per_connection, per_stream, per_stream_within_subset, inconclusive };
std::string_view to_string(VerdictKind kind);

struct Verdict {
  VerdictKind kind = VerdictKind::inconclusive;
  std::string why;  // one or two sentences with the figures; for inconclusive: what would settle it
  double p = 1;     // per_connection: chance under random placement; else p of the homogeneity test
  std::vector<std::vector<std::string>> subsets;  // sets of backends, each sorted
  double astray = 0;                              // share of rows with a stream outside their majority set
};

inline constexpr std::string_view kUnknownBackend = "unknown";

/// A dense copy for reports and for the verdict. counts[row][column].
struct DistributionTable {
  std::string name, rows = "connection", cols = "backend";
  std::vector<std::string> row_names, col_names;
  std::vector<std::vector<std::uint64_t>> counts;
  std::uint64_t total() const;
};

Verdict judge_distribution(const DistributionTable& table);

/// Jain's index (Σx)²/(n·Σx²) of the column sums, 1 = even; "unknown" left out; 0 when empty.
double jain_index(const DistributionTable& table);
double max_over_mean(const DistributionTable& table);

/// Rows "main[1]#1", "main[1]#2" (connections of a channel) folded into "main[1]".
DistributionTable fold_rows(const DistributionTable& table);

class Distribution {
 public:
  explicit Distribution(std::string name, std::string rows = "connection", std::string cols = "backend");
  void add(std::string_view row, std::string_view col, std::uint64_t n = 1);
  /// Rows in natural order ("ch2" before "ch10"), columns likewise, "unknown" last.
  DistributionTable table() const;
  const std::string& name() const { return name_; }

 private:
  std::string name_, rows_, cols_;
  std::map<std::string, std::map<std::string, std::uint64_t, std::less<>>, std::less<>> cells_;
};

}  // namespace lgen
