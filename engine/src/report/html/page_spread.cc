// Verdicts with their matrices, cut to what a page can hold: rows and columns beyond the limit are added up into one.

#include <algorithm>

#include "lgen/distribution.h"
#include "names.h"
#include "page_data.h"
#include "page_number.h"
#include "sections.h"

namespace lgen::html {
namespace {

constexpr std::size_t kMaxRows = 200;
constexpr std::size_t kMaxCols = 70;  // 64 backends, "overflow", "unknown" and some room

/// Rows from `keep` on become one.
void merge_rows(DistributionTable& table, std::size_t keep) {
  if (table.row_names.size() <= keep + 1) return;
  for (std::size_t r = keep + 1; r < table.counts.size(); ++r) {
    for (std::size_t c = 0; c < table.counts[r].size(); ++c) table.counts[keep][c] += table.counts[r][c];
  }
  table.row_names[keep] = counted(table.row_names.size() - keep, "more " + table.rows);
  table.row_names.resize(keep + 1);
  table.counts.resize(keep + 1);
}

/// Columns from `keep` on become one; a last "unknown" stays by itself.
void merge_columns(DistributionTable& table, std::size_t keep) {
  if (table.col_names.size() <= keep + 2) return;
  const bool unknown = table.col_names.back() == kUnknownBackend;
  const std::size_t end = table.col_names.size() - (unknown ? 1 : 0);
  for (auto& row : table.counts) {
    for (std::size_t c = keep + 1; c < end; ++c) row[keep] += row[c];
    if (unknown) row[keep + 1] = row[end];
    row.resize(keep + (unknown ? 2 : 1));
  }
  table.col_names[keep] = counted(end - keep, "more " + table.cols);
  table.col_names.resize(keep + 1);
  if (unknown) table.col_names.emplace_back(kUnknownBackend);
}

Json matrix_of(const DistributionTable& whole) {
  DistributionTable table = whole;
  if (table.rows == "connection") {
    table = fold_rows(whole);
    table.rows = "channel";
  }
  merge_rows(table, kMaxRows);
  merge_columns(table, kMaxCols);
  const ShortNames brief = shorten_names(table.col_names);
  return {{"rows", table.rows},           {"cols", table.cols},       {"row_names", table.row_names},
          {"col_names", table.col_names}, {"col_short", brief.names}, {"pattern", brief.pattern},
          {"counts", table.counts},       {"total", table.total()},   {"connections", whole.row_names.size()}};
}

Json result_of(const DistributionResult& result) {
  return {{"name", result.table.name},
          {"kind", to_string(result.verdict.kind)},
          {"words", verdict_words(result, 200)},
          {"why", result.verdict.why},
          {"subsets", result.verdict.subsets},
          {"jain", exact(result.jain)},
          {"max_over_mean", exact(result.max_over_mean)},
          {"matrix", matrix_of(result.table)}};
}

}  // namespace

Json spread_part(const Summary& summary) {
  Json all = Json::array();
  for (const DistributionResult& result : summary.distributions) all.push_back(result_of(result));
  return all;
}

}  // namespace lgen::html
