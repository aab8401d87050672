// The table of a distribution: collecting it, ordering it, folding it, and the two figures of evenness.
#include <algorithm>
#include <set>

#include "lgen/distribution.h"
#include "lgen/natural_order.h"

namespace lgen {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Rising, with "unknown" at the end.
bool column_less(const std::string& a, const std::string& b) {
  const bool unknown_a = a == kUnknownBackend, unknown_b = b == kUnknownBackend;
  return unknown_a != unknown_b ? unknown_b : natural_less(a, b);
}

/// "main[1]#2" to "main[1]".
std::string without_connection(const std::string& row) {
  const std::size_t hash = row.rfind('#');
  const bool numbered = hash != std::string::npos && hash > 0 && hash + 1 < row.size() &&
                        std::all_of(row.begin() + static_cast<std::ptrdiff_t>(hash) + 1, row.end(), is_digit);
  return numbered ? row.substr(0, hash) : row;
}

/// What each backend served, "unknown" left out.
std::vector<double> loads(const DistributionTable& table) {
  std::vector<double> sums;
  for (std::size_t j = 0; j < table.col_names.size(); ++j) {
    if (table.col_names[j] == kUnknownBackend) continue;
    double sum = 0;
    for (const auto& row : table.counts) sum += static_cast<double>(row[j]);
    sums.push_back(sum);
  }
  return sums;
}

}  // namespace

std::uint64_t DistributionTable::total() const {
  std::uint64_t sum = 0;
  for (const auto& row : counts) {
    for (const std::uint64_t n : row) sum += n;
  }
  return sum;
}

Distribution::Distribution(std::string name, std::string rows, std::string cols)
    : name_(std::move(name)), rows_(std::move(rows)), cols_(std::move(cols)) {}

void Distribution::add(std::string_view row, std::string_view col, std::uint64_t n) {
  auto in_row = cells_.find(row);
  if (in_row == cells_.end()) in_row = cells_.emplace(row, std::map<std::string, std::uint64_t, std::less<>>{}).first;
  auto cell = in_row->second.find(col);
  if (cell == in_row->second.end()) cell = in_row->second.emplace(col, 0).first;
  cell->second += n;
}

DistributionTable Distribution::table() const {
  DistributionTable table{name_, rows_, cols_, {}, {}, {}};
  std::set<std::string> columns;
  for (const auto& [row, cells] : cells_) {
    table.row_names.push_back(row);
    for (const auto& [column, n] : cells) columns.insert(column);
  }
  table.col_names.assign(columns.begin(), columns.end());
  std::sort(table.row_names.begin(), table.row_names.end(), natural_less);
  std::sort(table.col_names.begin(), table.col_names.end(), column_less);
  for (const std::string& row : table.row_names) {
    const auto& cells = cells_.find(row)->second;
    auto& counts = table.counts.emplace_back();
    for (const std::string& column : table.col_names) {
      const auto cell = cells.find(column);
      counts.push_back(cell == cells.end() ? 0 : cell->second);
    }
  }
  return table;
}

DistributionTable fold_rows(const DistributionTable& table) {
  DistributionTable out{table.name, table.rows, table.cols, {}, table.col_names, {}};
  std::map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < table.row_names.size(); ++i) {
    const std::string folded = without_connection(table.row_names[i]);
    const auto [it, fresh] = index.emplace(folded, out.row_names.size());
    if (fresh) {
      out.row_names.push_back(folded);
      out.counts.push_back(table.counts[i]);
      continue;
    }
    for (std::size_t j = 0; j < table.counts[i].size(); ++j) out.counts[it->second][j] += table.counts[i][j];
  }
  return out;
}

double jain_index(const DistributionTable& table) {
  double sum = 0, squares = 0;
  const std::vector<double> served = loads(table);
  for (const double load : served) {
    sum += load;
    squares += load * load;
  }
  return squares == 0 ? 0 : sum * sum / (static_cast<double>(served.size()) * squares);
}

double max_over_mean(const DistributionTable& table) {
  double sum = 0, max = 0;
  const std::vector<double> served = loads(table);
  for (const double load : served) {
    sum += load;
    max = std::max(max, load);
  }
  return sum == 0 ? 0 : max * static_cast<double>(served.size()) / sum;
}

}  // namespace lgen
