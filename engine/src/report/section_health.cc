// What went wrong, and whether the generator itself may be believed.

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "lgen/units.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::size_t kMaxErrors = 8;
constexpr double kShortRun = 0.1;  // seconds

std::string error_place(const ErrorSample& error) {
  std::vector<std::string> parts;
  if (!error.where.empty()) parts.push_back(error.where);
  if (!error.backend.empty()) parts.push_back(error.backend);
  const std::string first = moment(error.first_at), last = moment(error.last_at);
  parts.push_back(first == last ? "at " + first : first + " to " + last);
  if (error.warmup > 0 && error.count > 0) parts.push_back(fmt::format("and {} in warm-up", grouped(error.warmup)));
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// What happened in warm-up alone stands apart: its number is none of those that count.
void print_error(Page& page, const ErrorSample& error) {
  const std::string message = error.message.empty() ? "(no message)" : error.message;
  if (error.count > 0) {
    page.item({Span(fmt::format("  {:>5} × ", error.count)), Span(error.code + " ", Tone::bad)}, message);
  } else {
    page.item({Span(fmt::format("  in warm-up {} × ", error.warmup), Tone::dim), Span(error.code + " ")}, message);
  }
  page.item({Span("          ")}, error_place(error), Tone::dim);
}

Span validity_span(Validity validity) {
  switch (validity) {
    case Validity::valid:
      return {" valid: it kept up", Tone::good};
    case Validity::suspect:
      return {" SUSPECT: not always on time", Tone::warn};
    case Validity::invalid:
      return {" INVALID: it was the bottleneck", Tone::bad};
  }
  return {""};
}

/// Of a very short run the share would be that of starting up.
std::string cpu_text(const GeneratorHealth& health) {
  const double elapsed = health.cpu_share > 0 ? health.cpu_seconds / health.cpu_share : 0;
  const std::string time = "CPU " + brief_seconds(health.cpu_seconds);
  return elapsed < kShortRun ? time : fmt::format("{} ({:.0f}% of a core)", time, 100 * health.cpu_share);
}

/// "start lag p99 120us", or nothing without samples.
void add_p99(std::vector<std::string>& parts, const Snapshot& metrics, std::string_view metric,
             std::string_view words) {
  const MetricSnapshot* found = metrics.find(metric);
  if (!found) return;
  const SeriesSnapshot all = aggregate(*found, {});
  if (!all.histogram || all.histogram->count() == 0) return;
  const double p99 = static_cast<double>(all.histogram->percentile(99)) * found->tick();
  parts.push_back(fmt::format("{} p99 {}", words, brief_seconds(p99)));
}

}  // namespace

std::vector<const ErrorSample*> errors_that_count_first(const Summary& summary) {
  std::vector<const ErrorSample*> errors;
  for (const ErrorSample& error : summary.errors) errors.push_back(&error);
  std::stable_partition(errors.begin(), errors.end(), [](const ErrorSample* error) { return error->count > 0; });
  return errors;
}

void print_errors(Page& page, const Summary& summary) {
  if (summary.errors.empty() && summary.errors_dropped == 0) return;
  const std::vector<const ErrorSample*> errors = errors_that_count_first(summary);
  const bool only_warmup = summary.errors_dropped == 0 && errors.front()->count == 0;
  page.heading("ERRORS", {Span(only_warmup ? " only in warm-up, which does not count" : "", Tone::dim)});
  std::uint64_t rest = summary.errors_dropped, rest_in_warmup = 0;
  for (std::size_t i = 0; i < errors.size(); ++i) {
    if (i < kMaxErrors) {
      print_error(page, *errors[i]);
      continue;
    }
    rest += errors[i]->count;
    rest_in_warmup += errors[i]->warmup;
  }
  if (rest > 0) page.line({Span(fmt::format("  … and {} of other kinds", grouped(rest)), Tone::dim)});
  if (rest_in_warmup > 0) {
    page.line({Span(fmt::format("  … and {} of other kinds in warm-up", grouped(rest_in_warmup)), Tone::dim)});
  }
}

void print_generator(Page& page, const Summary& summary) {
  const GeneratorHealth& health = summary.health;
  page.heading("GENERATOR", {validity_span(health.validity)});
  for (const std::string& reason : health.reasons) page.item({Span("  - ")}, reason);
  std::vector<std::string> parts = {cpu_text(health), "memory " + format_size(static_cast<double>(health.max_rss))};
  add_p99(parts, summary.metrics, "start_lag_seconds", "start lag");
  add_p99(parts, summary.metrics, "loop_lag_seconds", "loop lag");
  add_p99(parts, summary.metrics, "gc_pause_seconds", "GC pause");
  page.item({Span("  ")}, fmt::format("{}", fmt::join(parts, ", ")));
}

void print_notes(Page& page, const std::vector<std::string>& notes) {
  if (notes.empty()) return;
  page.heading("NOTES");
  for (const std::string& note : notes) page.item({Span("  - ")}, note);
}

}  // namespace lgen
