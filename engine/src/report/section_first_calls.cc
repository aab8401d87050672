// Cold starts that stand out: first calls on a backend or a connection that took much longer than calls do.

#include <fmt/format.h>

#include <algorithm>

#include "figures.h"
#include "lgen/http_recorder.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::size_t kMaxLines = 5;
constexpr double kTimesTheMedian = 3, kLeast = 0.005;  // s; what is shorter is of no concern

double median_of(const Snapshot& metrics, std::string_view name) {
  const MetricSnapshot* metric = metrics.find(name);
  if (!metric) return 0;
  const SeriesSnapshot all = aggregate(*metric, {});
  return all.histogram ? metric->in_unit(static_cast<double>(all.histogram->percentile(50))) : 0;
}

/// "pod-a, main#1, pkg.Svc/Method at 0.1s: dial 12ms, first on the backend".
std::string line_of(const FirstCallRecord& call) {
  std::string text;
  for (const std::string* part : {&call.backend, &call.connection, &call.method}) {
    if (!part->empty()) text += fmt::format("{}{}", text.empty() ? "" : ", ", *part);
  }
  if (!call.code.empty() && !ended_well(call.code)) text += fmt::format(", {}", call.code);
  return fmt::format("{} at {}: {}", text, moment(call.at), call.why);
}

}  // namespace

void print_first_calls(Page& page, const Summary& summary) {
  const double median = std::max({median_of(summary.metrics, "grpc_call_service_seconds"),
                                  median_of(summary.metrics, "grpc_stream_open_service_seconds"),
                                  median_of(summary.metrics, "http_request_service_seconds")});
  const double limit = std::max(kLeast, kTimesTheMedian * median);
  std::vector<const FirstCallRecord*> slow;
  for (const FirstCallRecord& call : summary.first_calls) {
    if (call.duration > limit) slow.push_back(&call);
  }
  if (slow.empty()) return;
  page.heading("COLD STARTS", {Span(fmt::format(" the median is {}", brief_seconds(median)), Tone::dim)});
  for (std::size_t i = 0; i < std::min(slow.size(), kMaxLines); ++i) {
    page.item({Span("  " + pad_left(brief_seconds(slow[i]->duration), 6) + " ", Tone::warn)}, line_of(*slow[i]));
  }
  if (slow.size() > kMaxLines) page.line({Span(fmt::format("    … {} more", slow.size() - kMaxLines), Tone::dim)});
}

}  // namespace lgen
