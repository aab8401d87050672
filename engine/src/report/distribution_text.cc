// The answer people came for, in one bold line: what is spread, over whom. Then why, then the matrix.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "matrix.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

std::vector<std::string> known_backends(const DistributionTable& table) {
  std::vector<std::string> names = table.col_names;
  std::erase(names, kUnknownBackend);
  return names;
}

/// Names in full where they fit, else what tells them apart, else their number.
std::string names_in(const std::vector<std::string>& names, std::string_view word, std::size_t room) {
  const std::string full = join_words(names);
  if (!names.empty() && display_width(full) <= room) return full;
  const ShortNames brief = shorten_names(names);
  if (!brief.pattern.empty()) {
    const std::string text = fmt::format("{} ({})", brief.pattern, join_words(brief.names));
    if (display_width(text) <= room) return text;
  }
  return counted(names.size(), word);
}

std::string what_is_spread(const DistributionResult& result) {
  const std::string row = result.table.rows;
  switch (result.verdict.kind) {
    case VerdictKind::per_connection:
      return fmt::format("{} are spread over ", plural(row));
    case VerdictKind::per_stream:
      return "streams are spread over ";
    case VerdictKind::per_stream_within_subset:
      return fmt::format("streams are spread, inside one of {} sets", result.verdict.subsets.size());
    case VerdictKind::inconclusive:
      return "these figures cannot tell";
  }
  return "";
}

Tone tone_of(VerdictKind kind) { return kind == VerdictKind::inconclusive ? Tone::warn : Tone::good; }

/// Full names where every set fits a line, else what tells the backends apart.
std::vector<std::string> subset_words(const DistributionResult& result, std::size_t room) {
  const ShortNames brief = shorten_names(known_backends(result.table));
  std::map<std::string, std::string> short_name;
  const std::vector<std::string> all = known_backends(result.table);
  for (std::size_t i = 0; i < all.size(); ++i) short_name[all[i]] = brief.names[i];
  std::vector<std::string> full, cut;
  for (const auto& subset : result.verdict.subsets) {
    std::vector<std::string> names;
    for (const std::string& name : subset) names.push_back(short_name.contains(name) ? short_name[name] : name);
    full.push_back(join_words(subset));
    cut.push_back(join_words(names));
  }
  const bool all_fit =
      std::all_of(full.begin(), full.end(), [&](const std::string& words) { return display_width(words) <= room; });
  return all_fit ? full : cut;
}

void print_subsets(Page& page, const DistributionResult& result) {
  if (result.verdict.kind != VerdictKind::per_stream_within_subset) return;
  const std::vector<std::string> subsets = subset_words(result, page.width() - 12);
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    page.item({Span(fmt::format("  set {}: ", i + 1))}, subsets[i], Tone::bold);
  }
}

void print_evenness(Page& page, const DistributionResult& result) {
  if (known_backends(result.table).size() < 2 || result.table.total() == 0) return;
  page.line({Span(
      fmt::format("  evenness: Jain {:.3f} of 1, the fullest has {:.2f} × the mean", result.jain, result.max_over_mean),
      Tone::dim)});
}

}  // namespace

std::string verdict_words(const DistributionResult& result, std::size_t room) {
  std::string words = what_is_spread(result);
  if (result.verdict.kind == VerdictKind::per_connection || result.verdict.kind == VerdictKind::per_stream) {
    const std::size_t used = display_width(words);
    words += names_in(known_backends(result.table), result.table.cols, room > used ? room - used : 0);
  }
  return words;
}

void print_distribution(Page& page, const DistributionResult& result) {
  page.heading("VERDICT", {Span(" " + result.table.name, Tone::dim)});
  const std::string kind = fmt::format("  {}: ", to_string(result.verdict.kind));
  const std::size_t used = display_width(kind);
  const std::size_t line = page.width() > used ? page.width() - used : 0;
  const std::string words = verdict_words(result, line + line / 2);  // two lines at most
  page.item({Span(kind, tone_of(result.verdict.kind))}, words, Tone::bold);
  print_subsets(page, result);
  page.paragraph(2, result.verdict.why);
  if (result.table.row_names.empty() || result.table.col_names.empty()) return;
  page.line({});
  print_matrix(page, result.table, 2);
  print_evenness(page, result);
}

}  // namespace lgen
