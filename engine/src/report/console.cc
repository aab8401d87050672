// The report on the terminal, read from top to bottom: did it pass, how is the load spread, how fast, what went wrong,
// and may the figures be believed.

#include <algorithm>

#include "lgen/report.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr int kNarrowest = 40;

Page page_for(const ConsoleStyle& style) {
  return Page(static_cast<std::size_t>(std::max(style.width, kNarrowest)), style.color);
}

/// As it was laid out, whatever the width.
std::string printed_text(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += printable(line) + "\n";
  return text;
}

}  // namespace

std::string render_console(const Summary& summary, const ConsoleStyle& style) {
  Page page = page_for(style);
  print_run(page, summary.run);
  print_thresholds(page, summary);
  print_checks(page, summary);
  for (const DistributionResult& result : summary.distributions) print_distribution(page, result);
  print_scenarios(page, summary.scenarios);
  print_only_warmup(page, summary);
  print_latencies(page, summary.metrics);
  print_status_codes(page, summary);
  print_streams(page, summary.metrics);
  print_http(page, summary.metrics);
  print_backends(page, summary.metrics);
  print_own_metrics(page, summary.metrics);
  print_conservation(page, summary.conservation);
  print_connections(page, summary);
  print_first_calls(page, summary);
  print_events(page, summary);
  print_errors(page, summary);
  print_generator(page, summary);
  print_notes(page, summary.run.notes);
  print_outcome(page, summary);
  return style.printed ? printed_text(summary.printed) + page.text() : page.text();
}

std::string render_distribution(const DistributionResult& result, const ConsoleStyle& style) {
  Page page = page_for(style);
  print_distribution(page, result);
  return page.text();
}

}  // namespace lgen
