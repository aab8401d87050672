// How a matrix of any size fits N columns. Tried in this order, the first that fits wins:
//   1. backends as columns under their full names, 2. under what tells them apart ("…-abcde" of one ReplicaSet),
//   3. backends as rows, channels as columns (few channels, many pods), 4. as 2. with narrow gaps, 5. numbered columns
//   with a legend, 6. only the first columns, the rest added up.
// A column "unknown" is never among those added up.

#include "matrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "names.h"

namespace lgen {
namespace {

constexpr std::size_t kMaxRows = 24;  // beyond: the first ones and "… N more"

using Counts = std::vector<std::vector<std::uint64_t>>;

/// A table as it will be printed.
struct Grid {
  std::string corner;  // what the rows are
  std::vector<std::string> rows, cols;
  Counts counts;
  std::vector<std::string> legend;  // printed below
};

std::vector<std::uint64_t> column_sums(const Grid& grid) {
  std::vector<std::uint64_t> sums(grid.cols.size(), 0);
  for (const auto& row : grid.counts) {
    for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += row[c];
  }
  return sums;
}

std::uint64_t sum_of(const std::vector<std::uint64_t>& row) {
  return std::accumulate(row.begin(), row.end(), std::uint64_t{0});
}

/// Long row names lose their middle, so that the figures keep their room.
std::vector<std::string> row_labels(const std::vector<std::string>& names, std::size_t room) {
  std::vector<std::string> labels;
  for (const std::string& name : names) labels.push_back(elide_middle(printable(name), room));
  return labels;
}

Grid with_short_columns(Grid grid, const std::string& what) {
  ShortNames cut = shorten_names(grid.cols);
  if (!cut.pattern.empty()) grid.legend.push_back(fmt::format("{}: {}", plural(what), cut.pattern));
  grid.cols = std::move(cut.names);
  return grid;
}

Grid with_numbered_columns(Grid grid) {
  for (std::size_t i = 0; i < grid.cols.size(); ++i) {
    if (grid.cols[i] == kUnknownBackend) continue;
    grid.legend.push_back(fmt::format("{}={}", i + 1, grid.cols[i]));
    grid.cols[i] = std::to_string(i + 1);
  }
  return grid;
}

Grid transposed(const Grid& grid, const std::string& corner) {
  Grid turned{corner, grid.cols, grid.rows, Counts(grid.cols.size(), std::vector<std::uint64_t>(grid.rows.size())), {}};
  for (std::size_t r = 0; r < grid.rows.size(); ++r) {
    for (std::size_t c = 0; c < grid.cols.size(); ++c) turned.counts[c][r] = grid.counts[r][c];
  }
  return turned;
}

/// Adds the columns from `keep` on up into one, except a last column "unknown".
Grid with_fewer_columns(const Grid& grid, std::size_t keep) {
  const bool has_unknown = !grid.cols.empty() && grid.cols.back() == kUnknownBackend;
  const std::size_t end = grid.cols.size() - (has_unknown ? 1 : 0);
  Grid cut{grid.corner, grid.rows, {grid.cols.begin(), grid.cols.begin() + static_cast<std::ptrdiff_t>(keep)}, {}, {}};
  cut.cols.push_back(fmt::format("+{} more", end - keep));
  if (has_unknown) cut.cols.emplace_back(kUnknownBackend);
  for (const auto& row : grid.counts) {
    const auto first = row.begin() + static_cast<std::ptrdiff_t>(keep);
    const auto last = row.begin() + static_cast<std::ptrdiff_t>(end);
    cut.counts.emplace_back(row.begin(), first);
    cut.counts.back().push_back(std::accumulate(first, last, std::uint64_t{0}));
    if (has_unknown) cut.counts.back().push_back(row.back());
  }
  // One entry explains all names, or there is one for each number.
  const std::size_t entries = std::min(grid.legend.size(), keep);
  cut.legend.assign(grid.legend.begin(), grid.legend.begin() + static_cast<std::ptrdiff_t>(entries));
  return cut;
}

Line cells_of(const std::string& name, const std::vector<std::uint64_t>& row, Tone tone) {
  Line cells = {Span(name, tone)};
  for (const std::uint64_t n : row) cells.push_back(n == 0 ? Span("·", Tone::dim) : Span(std::to_string(n), tone));
  cells.emplace_back(std::to_string(sum_of(row)), tone);
  return cells;
}

Line share_cells(const std::vector<std::uint64_t>& sums) {
  const auto total = static_cast<double>(std::max<std::uint64_t>(sum_of(sums), 1));
  Line cells = {Span("share", Tone::dim)};
  for (const std::uint64_t n : sums) {
    cells.emplace_back(fmt::format("{:.0f}%", 100 * static_cast<double>(n) / total), Tone::dim);
  }
  cells.emplace_back("", Tone::dim);
  return cells;
}

/// The rows beyond the limit as one.
std::vector<std::uint64_t> rest_of(const Grid& grid, std::size_t from) {
  Grid rest{"", {}, grid.cols, {grid.counts.begin() + static_cast<std::ptrdiff_t>(from), grid.counts.end()}, {}};
  return column_sums(rest);
}

TextTable table_of(const Grid& grid) {
  Line header = {Span(grid.corner, Tone::dim)};
  for (const std::string& name : grid.cols) header.emplace_back(name, Tone::bold);
  header.emplace_back("sum", Tone::dim);
  TextTable table(std::move(header));
  const std::size_t shown = grid.rows.size() > kMaxRows ? kMaxRows - 1 : grid.rows.size();
  for (std::size_t r = 0; r < shown; ++r) table.row(cells_of(grid.rows[r], grid.counts[r], Tone::plain));
  if (shown < grid.rows.size()) {
    table.row(cells_of(fmt::format("… {} more", grid.rows.size() - shown), rest_of(grid, shown), Tone::plain));
  }
  const std::vector<std::uint64_t> sums = column_sums(grid);
  if (grid.rows.size() > 1) table.row(cells_of("sum", sums, Tone::bold));
  if (sums.size() > 1) table.row(share_cells(sums));
  return table;
}

/// Room and spacing of one page.
struct Fit {
  std::size_t width, indent;
  bool holds(const Grid& grid, std::size_t gap) const { return table_of(grid).width(indent, gap) <= width; }
};

struct Layout {
  Grid grid;
  std::size_t gap = 2;
};

/// As many columns as there is room for, the rest added up.
Grid cut_to_fit(const Grid& grid, const Fit& fit) {
  const bool has_unknown = !grid.cols.empty() && grid.cols.back() == kUnknownBackend;
  std::size_t keep = grid.cols.size() - (has_unknown ? 2 : 1);
  while (keep > 1 && !fit.holds(with_fewer_columns(grid, keep), 1)) --keep;
  return with_fewer_columns(grid, keep);
}

Layout choose_layout(const Grid& full, const std::string& row_word, const std::string& col_word, const Fit& fit) {
  if (fit.holds(full, 2)) return {full};
  const Grid brief = with_short_columns(full, col_word);
  if (fit.holds(brief, 2)) return {brief};
  if (full.rows.size() < full.cols.size()) {
    const Grid turned = transposed(full, col_word), turned_brief = with_short_columns(turned, row_word);
    if (fit.holds(turned, 2)) return {turned};
    if (fit.holds(turned_brief, 2)) return {turned_brief};
  }
  if (fit.holds(brief, 1)) return {brief, 1};
  const Grid numbered = with_numbered_columns(full);
  if (fit.holds(numbered, 1)) return {numbered, 1};
  const Grid cut = cut_to_fit(brief, fit), cut_numbered = cut_to_fit(numbered, fit);
  return {cut.cols.size() >= cut_numbered.cols.size() ? cut : cut_numbered, 1};
}

}  // namespace

void print_matrix(Page& page, const DistributionTable& table, std::size_t indent) {
  const DistributionTable folded = fold_rows(table);
  const bool was_folded = folded.row_names != table.row_names;
  const std::string row_word = was_folded && table.rows == "connection" ? "channel" : table.rows;
  const std::size_t room = std::max<std::size_t>(16, page.width() / 3);
  const Grid full{row_word, row_labels(folded.row_names, room), folded.col_names, folded.counts, {}};
  const Layout layout = choose_layout(full, row_word, table.cols, Fit{page.width(), indent});
  table_of(layout.grid).print(page, indent, layout.gap);
  page.paragraph(indent, fmt::format("{}", fmt::join(layout.grid.legend, ", ")), Tone::dim);
  if (folded.row_names.size() < table.row_names.size()) {
    page.paragraph(indent,
                   fmt::format("{} of {}: one that reconnected may have landed elsewhere",
                               counted(table.row_names.size(), table.rows), counted(folded.row_names.size(), row_word)),
                   Tone::dim);
  }
}

}  // namespace lgen
