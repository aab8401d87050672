// The answer people came for, in one bold line: what is spread, over whom. Then why, then the matrix.

#include <fmt/format.h>

#include <algorithm>

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
      return fmt::format("streams are spread, each {} within its set of {}", row, plural(result.table.cols));
    case VerdictKind::inconclusive:
      return "these figures cannot tell";
  }
  return "";
}

Tone tone_of(VerdictKind kind) { return kind == VerdictKind::inconclusive ? Tone::warn : Tone::good; }

void print_subsets(Page& page, const DistributionResult& result) {
  const auto& subsets = result.verdict.subsets;
  if (result.verdict.kind != VerdictKind::per_stream_within_subset) return;
  for (std::size_t i = 0; i < subsets.size(); ++i) {
    page.item({Span(fmt::format("  set {}: ", i + 1))}, join_words(subsets[i]));
  }
  if (result.verdict.astray > 0) {
    page.line({Span(fmt::format("  astray: {:.1f}% of the {} have a stream outside their set",
                                100 * result.verdict.astray, plural(result.table.rows)))});
  }
}

void print_evenness(Page& page, const DistributionResult& result) {
  if (known_backends(result.table).size() < 2 || result.table.total() == 0) return;
  page.line({Span(fmt::format("  evenness: Jain {:.3f} (1 is even), fullest {} {:.2f} x the mean", result.jain,
                              result.table.cols, result.max_over_mean),
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
  const std::string words = verdict_words(result, page.width() > used ? page.width() - used : 0);
  page.line({Span(kind, tone_of(result.verdict.kind)), Span(words, Tone::bold)});
  page.paragraph(2, result.verdict.why);
  print_subsets(page, result);
  if (result.table.row_names.empty() || result.table.col_names.empty()) return;
  page.line({});
  print_matrix(page, result.table, 2);
  print_evenness(page, result);
}

}  // namespace lgen
