// How fast and how many: latencies, status codes, streams and their messages, and the ledger by backend.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <set>

#include "figures.h"
#include "lgen/http_recorder.h"
#include "lgen/units.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::size_t kMaxBackendRows = 24;

using Figures = std::array<double, 7>;  // min avg med p90 p95 p99 max

Figures figures_of(const Histogram& h, double tick) {
  const auto value = [&](std::int64_t ticks) { return static_cast<double>(ticks) * tick; };
  return {value(h.min()),          h.mean() * tick,         value(h.percentile(50)), value(h.percentile(90)),
          value(h.percentile(95)), value(h.percentile(99)), value(h.max())};
}

Line latency_row(const std::string& name, const Histogram& histogram, const MetricSpec& spec, double tick) {
  Line cells = {Span(name)};
  for (const double value : figures_of(histogram, tick)) cells.emplace_back(brief_value(value, spec.unit));
  return cells;
}

bool print_alike(const Histogram& a, const Histogram& b, const MetricSpec& spec, double tick) {
  const Line x = latency_row("", a, spec, tick), y = latency_row("", b, spec, tick);
  return std::equal(x.begin(), x.end(), y.begin(), [](const Span& p, const Span& q) { return p.text == q.text; });
}

/// A built-in latency and what its row is called below a method.
struct LatencyRow {
  std::string_view metric, label;
  bool service = false;  // of the row before it, left out where it says no more than that
};
constexpr std::array<LatencyRow, 16> kLatencyRows = {{{"grpc_call_duration_seconds", "response"},
                                                      {"grpc_call_service_seconds", "service", true},
                                                      {"grpc_stream_open_seconds", "open"},
                                                      {"grpc_stream_open_service_seconds", "service", true},
                                                      {"grpc_stream_first_message_seconds", "first msg"},
                                                      {"grpc_stream_duration_seconds", "duration"},
                                                      {"grpc_message_gap_seconds", "gap"},
                                                      {"grpc_message_lag_seconds", "send lag"},
                                                      {"grpc_message_rtt_seconds", "rtt"},
                                                      {"grpc_message_service_seconds", "service", true},
                                                      {"http_request_duration_seconds", "response"},
                                                      {"http_request_service_seconds", "service", true},
                                                      {"http_first_byte_seconds", "first byte"},
                                                      {"http_queue_seconds", "queue"},
                                                      {"http_connect_seconds", "connect"},
                                                      {"http_tls_seconds", "TLS"}}};

/// Narrow pages first lose the wide gaps, then the indent.
void print_fitting(Page& page, const TextTable& table) {
  if (table.width(2, 2) <= page.width()) return table.print(page, 2, 2);
  table.print(page, table.width(2, 1) <= page.width() ? 2 : 0, 1);
}

using ByTraffic = std::map<TrafficKey, Histogram>;

/// Rows of one kind of work: calls, streams.
class LatencyTable {
 public:
  explicit LatencyTable(const Snapshot& metrics)
      : metrics_(metrics), table_({Span(""), "min", "avg", "med", "p90", "p95", "p99", "max"}) {
    for (std::size_t i = 0; i < kLatencyRows.size(); ++i) {
      sums_[i] = histograms_by<TrafficKey>(metrics, kLatencyRows[i].metric, key_of);
      for (const auto& [key, histogram] : sums_[i]) keys_.insert(key);
    }
  }

  void built_in() {
    std::set<std::string> scenarios;
    for (const TrafficKey& key : keys_) scenarios.insert(key.scenario);
    for (const TrafficKey& key : keys_) {
      table_.title(Span(title_of(key, scenarios.size() > 1)));
      for (std::size_t i = 0; i < kLatencyRows.size(); ++i) method_row(i, key);
    }
  }

  void iterations() {
    const auto sums = histograms_by<std::string>(metrics_, "iteration_duration_seconds", [](const SeriesSnapshot& s) {
      return std::string(label_of(s, "scenario"));
    });
    if (sums.empty()) return;
    table_.title("iterations");
    const MetricSnapshot& metric = *metrics_.find("iteration_duration_seconds");
    for (const auto& [scenario, sum] : sums) add("  " + scenario, sum, metric);
  }

  /// What of the response times was a wait for a free VU: arrivals of their own time that met none.
  void waits() {
    auto sums = histograms_by<std::string>(
        metrics_, "vu_wait_seconds", [](const SeriesSnapshot& s) { return std::string(label_of(s, "scenario")); });
    std::erase_if(sums, [](const auto& sum) { return sum.second.count() == 0 || sum.second.max() == 0; });
    if (sums.empty()) return;
    table_.title("waited for a free VU");
    for (const auto& [scenario, sum] : sums) add("  " + scenario, sum, *metrics_.find("vu_wait_seconds"));
  }

  /// The plan's own histograms, in their own units.
  void own_metrics() {
    for (const MetricSnapshot& metric : metrics_.metrics) {
      if (metric.spec.built_in || metric.spec.scraped || metric.spec.type != MetricType::histogram) continue;
      const SeriesSnapshot all = aggregate(metric, {});
      if (!all.histogram || all.histogram->count() == 0) continue;
      table_.title(Span(metric.spec.name));
      add("  values", *all.histogram, metric);
    }
  }

  void print(Page& page) const {
    if (!used_) return;
    page.heading("LATENCY");
    print_fitting(page, table_);
  }

 private:
  void add(const std::string& name, const Histogram& sum, const MetricSnapshot& metric) {
    table_.row(latency_row(name, sum, metric.spec, metric.tick()));
    used_ = true;
  }

  void method_row(std::size_t row, const TrafficKey& key) {
    const auto at = sums_[row].find(key);
    if (at == sums_[row].end()) return;
    const MetricSnapshot& metric = *metrics_.find(kLatencyRows[row].metric);
    if (kLatencyRows[row].service) {
      const ByTraffic& responses = sums_[row - 1];
      const auto response = responses.find(key);
      const bool says_no_more =
          response != responses.end() && print_alike(response->second, at->second, metric.spec, metric.tick());
      if (says_no_more) return;
    }
    add(fmt::format("  {}", kLatencyRows[row].label), at->second, metric);
  }

  const Snapshot& metrics_;
  TextTable table_;
  std::array<ByTraffic, kLatencyRows.size()> sums_;
  std::set<TrafficKey> keys_;
  bool used_ = false;
};

std::string share_text(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "";
  return fmt::format("{:.1f}%", 100 * static_cast<double>(part) / static_cast<double>(whole));
}

std::uint64_t sum_of(const Totals& totals) {
  std::uint64_t sum = 0;
  for (const auto& [name, n] : totals) sum += n;
  return sum;
}

/// "19,732/s", "8.17/s".
std::string per_second(double rate) {
  if (rate >= 99.95) return grouped(static_cast<std::uint64_t>(std::llround(rate))) + "/s";
  return fmt::format("{:.3g}/s", rate);
}

void add_status_rows(TextTable& table, const Summary& summary, const MetricSnapshot& metric, std::string_view unit) {
  std::set<TrafficKey> keys;
  std::set<std::string> scenarios;
  for (const SeriesSnapshot& series : metric.series) {
    if (is_warmup(series) || series.value == 0) continue;
    keys.insert(key_of(series));
    scenarios.insert(key_of(series).scenario);
  }
  for (const TrafficKey& key : keys) {
    const Totals totals = totals_by(metric, "code", &key);
    const double duration = measured_seconds(summary, key.scenario);
    table.title(Span(fmt::format("{} ({})", title_of(key, scenarios.size() > 1), unit)));
    for (const auto& [code, n] : totals) {
      table.row({Span("  " + (code.empty() ? std::string("unknown") : code), ended_well(code) ? Tone::good : Tone::bad),
                 grouped(n), share_text(n, sum_of(totals)),
                 duration > 0 ? per_second(static_cast<double>(n) / duration) : std::string()});
    }
  }
}

/// "28 OK + 2 UNAVAILABLE".
std::string equation(const Totals& totals) {
  std::string text;
  for (const auto& [name, n] : totals) text += fmt::format("{}{} {}", text.empty() ? "" : " + ", grouped(n), name);
  return text;
}

/// Why connections of HTTP have ended.
std::string closed_words(const std::string& reason) {
  if (reason == "ours") return "by us";
  if (reason == "answer") return "as an answer said";
  if (reason == "idle") return "by the server";
  return reason == "goaway" ? "by GOAWAY" : "with a request on it";
}

void print_opened(Page& page, const Snapshot& metrics) {
  const std::uint64_t opened = counter_total(metrics, "grpc_streams_opened");
  const MetricSnapshot* ended = metrics.find("grpc_streams_ended");
  Totals parts = ended ? totals_by(*ended, "code") : Totals{};
  const std::uint64_t gone = sum_of(parts);
  if (opened > gone) parts.emplace_back("still open", opened - gone);
  page.item({Span("  streams   ")}, fmt::format("{} opened = {}", grouped(opened), equation(parts)));
}

void print_messages(Page& page, const Snapshot& metrics) {
  const std::uint64_t written = counter_total(metrics, "grpc_messages_sent");
  const std::uint64_t discarded = counter_total(metrics, "grpc_messages_discarded");
  const std::uint64_t received = counter_total(metrics, "grpc_messages_received");
  const std::uint64_t confirmed = counter_total(metrics, "grpc_messages_confirmed");
  const std::uint64_t unconfirmed = counter_total(metrics, "grpc_messages_unconfirmed");
  if (written + discarded > 0) {
    page.item({Span("  messages  ")}, fmt::format("{} accepted = {} written + {} discarded",
                                                  grouped(written + discarded), grouped(written), grouped(discarded)));
    Totals parts = {{"confirmed", confirmed}, {"unconfirmed", unconfirmed}};
    if (written > confirmed + unconfirmed) parts.emplace_back("in open streams", written - confirmed - unconfirmed);
    page.item({Span("            ")}, fmt::format("{} written = {}", grouped(written), equation(parts)));
  }
  if (received > 0) page.item({Span("  received  ")}, fmt::format("{}", counted(received, "message")));
}

/// Of streams with `correlate`: what found no counterpart.
void print_uncorrelated(Page& page, const Snapshot& metrics) {
  const std::uint64_t unanswered = counter_total(metrics, "grpc_messages_unanswered");
  const std::uint64_t unmatched = counter_total(metrics, "grpc_messages_unmatched");
  if (unanswered > 0) {
    page.item({Span("  unanswered")}, fmt::format(" {} sent got no answer", counted(unanswered, "message")),
              Tone::warn);
  }
  if (unmatched > 0) {
    page.item({Span("  unmatched ")},
              fmt::format(" {} received answer nothing that was sent", counted(unmatched, "message")), Tone::warn);
  }
}

/// With retries on: "attempts: 1,240 for 1,000 calls".
void print_attempts(Page& page, const Snapshot& metrics) {
  const std::uint64_t known = counter_total(metrics, "grpc_call_attempts_known");
  const std::uint64_t unknown = counter_total(metrics, "grpc_call_attempts_unknown");
  if (known > 0) {
    page.item({Span("  attempts: ")},
              fmt::format("{} for {}", grouped(counter_total(metrics, "grpc_call_attempts")), counted(known, "call")));
  }
  if (unknown > 0) {
    page.item({Span("  attempts: ")}, fmt::format("unknown for {} (retries are on, and the server does not echo "
                                                  "grpc-previous-rpc-attempts)",
                                                  counted(unknown, "call")));
  }
}

/// What one backend was seen to do.
struct BackendLine {
  std::uint64_t calls = 0, ok = 0, confirmed = 0;
  std::optional<Histogram> duration;
};

class BackendTable {
 public:
  BackendTable(const Snapshot& metrics, std::string_view counter, std::string_view duration) : metrics_(metrics) {
    const auto backend = [](const SeriesSnapshot& series) { return std::string(label_of(series, "backend")); };
    each(counter, [this](BackendLine& line, const SeriesSnapshot& series, std::uint64_t n) {
      line.calls += n;
      if (ended_well(label_of(series, "code"))) line.ok += n;
    });
    for (auto& [name, sum] : histograms_by<std::string>(metrics, duration, backend)) {
      if (const auto at = lines_.find(name); at != lines_.end()) at->second.duration = sum;
    }
  }
  void add_confirmed() {
    each("grpc_messages_confirmed",
         [](BackendLine& line, const SeriesSnapshot&, std::uint64_t n) { line.confirmed += n; });
    with_messages_ = true;
  }
  /// A single backend has nothing to be compared with.
  void print(Page& page, std::string_view what) const {
    if (lines_.size() < 2) return;
    page.heading("BACKENDS", {Span(fmt::format(" by {}", what), Tone::dim)});
    const std::size_t room = std::max<std::size_t>(12, page.width() / 3);
    TextTable table(header(what));
    std::size_t shown = 0;
    for (const auto& [name, line] : lines_) {
      if (++shown <= kMaxBackendRows) table.row(cells(elide_middle(name, room), line));
    }
    if (shown > kMaxBackendRows) table.title(Span(fmt::format("… {} more", shown - kMaxBackendRows)));
    print_fitting(page, table);
  }

 private:
  template <class Add>
  void each(std::string_view counter, Add add) {
    const MetricSnapshot* metric = metrics_.find(counter);
    if (!metric) return;
    for (const SeriesSnapshot& series : metric->series) {
      const std::string_view name = label_of(series, "backend");
      if (is_warmup(series) || series.value == 0) continue;
      add(lines_[name.empty() ? "(never left)" : std::string(name)], series, static_cast<std::uint64_t>(series.value));
    }
  }
  Line header(std::string_view what) const {
    Line cells = {Span("backend", Tone::dim), std::string(what), "OK", "other"};
    if (with_messages_) cells.emplace_back("confirmed");
    for (const char* title : {"med", "p99", "max"}) cells.emplace_back(title);
    return cells;
  }
  Line cells(const std::string& name, const BackendLine& line) const {
    Line cells = {Span(name), grouped(line.calls), grouped(line.ok),
                  Span(grouped(line.calls - line.ok), line.calls > line.ok ? Tone::bad : Tone::plain)};
    if (with_messages_) cells.emplace_back(grouped(line.confirmed));
    for (const double p : {50.0, 99.0, 100.0}) {
      cells.emplace_back(line.duration ? brief_seconds(static_cast<double>(line.duration->percentile(p)) * 1e-6)
                                       : std::string());
    }
    return cells;
  }

  const Snapshot& metrics_;
  std::map<std::string, BackendLine> lines_;
  bool with_messages_ = false;
};

}  // namespace

void print_only_warmup(Page& page, const Summary& summary) {
  bool warmed_up = false;
  for (const std::string_view name : {"iterations", "grpc_calls", "grpc_streams_ended", "http_requests"}) {
    const MetricSnapshot* metric = summary.metrics.find(name);
    if (!metric) continue;
    if (aggregate(*metric, {}).value > 0) return;
    warmed_up = warmed_up || std::any_of(metric->series.begin(), metric->series.end(), is_warmup);
  }
  if (!warmed_up) return;
  page.heading("WARM-UP ONLY");
  page.paragraph(2, "The run never left its warm-up, which does not count: there are no latencies and status codes.",
                 Tone::warn);
}

void print_latencies(Page& page, const Snapshot& metrics) {
  LatencyTable table(metrics);
  table.built_in();
  table.iterations();
  table.waits();
  table.own_metrics();
  table.print(page);
}

void print_status_codes(Page& page, const Summary& summary) {
  const Snapshot& metrics = summary.metrics;
  const MetricSnapshot* requests = metrics.find("http_requests");
  if (counter_total(metrics, "grpc_calls") + counter_total(metrics, "grpc_streams_ended") +
          counter_total(metrics, "http_requests") ==
      0) {
    return;
  }
  page.heading("STATUS CODES");
  TextTable table({Span(""), "count", "share", "rate"});
  if (const MetricSnapshot* calls = metrics.find("grpc_calls")) add_status_rows(table, summary, *calls, "calls");
  if (const MetricSnapshot* ended = metrics.find("grpc_streams_ended")) {
    add_status_rows(table, summary, *ended, "streams");
  }
  if (requests) add_status_rows(table, summary, *requests, "requests");
  table.print(page, 2, 3);
  print_attempts(page, metrics);
}

void print_streams(Page& page, const Snapshot& metrics) {
  if (counter_total(metrics, "grpc_streams_opened") == 0) return;
  page.heading("STREAMS");
  print_opened(page, metrics);
  print_messages(page, metrics);
  print_uncorrelated(page, metrics);
  if (const std::uint64_t leaked = counter_total(metrics, "grpc_streams_leaked"); leaked > 0) {
    page.item({Span("  leaked    ")},
              fmt::format("{} left open at the end of the task, therefore cancelled", counted(leaked, "stream")),
              Tone::warn);
  }
}

void print_backends(Page& page, const Snapshot& metrics) {
  BackendTable(metrics, "grpc_calls", "grpc_call_duration_seconds").print(page, "calls");
  BackendTable streams(metrics, "grpc_streams_ended", "grpc_stream_duration_seconds");
  if (counter_total(metrics, "grpc_messages_confirmed") > 0) streams.add_confirmed();
  streams.print(page, "streams");
  BackendTable(metrics, "http_requests", "http_request_duration_seconds").print(page, "requests");
}

void print_http(Page& page, const Snapshot& metrics) {
  const std::uint64_t requests = counter_total(metrics, "http_requests");
  if (requests == 0) return;
  page.heading("HTTP");
  const std::uint64_t made = counter_total(metrics, "http_connections");
  const std::uint64_t reused = counter_total(metrics, "http_requests_reused");
  page.item({Span("  connections  ")}, fmt::format("{} made; {} on one that an earlier request had made", grouped(made),
                                                   requests == reused ? "every request" : counted(reused, "request")));
  if (const MetricSnapshot* closed = metrics.find("http_connections_closed"); closed && !closed->series.empty()) {
    Totals told = totals_by(*closed, "reason");
    for (auto& [reason, n] : told) reason = closed_words(reason);
    page.item({Span("  closed       ")}, equation(told));
  }
  page.item(
      {Span("  bytes        ")},
      fmt::format("{} sent, {} received", format_size(static_cast<double>(counter_total(metrics, "http_bytes_sent"))),
                  format_size(static_cast<double>(counter_total(metrics, "http_bytes_received")))));
  if (const MetricSnapshot* redirects = metrics.find("http_redirects"); redirects && !redirects->series.empty()) {
    page.item({Span("  redirects    ")}, equation(totals_by(*redirects, "code")));
  }
  if (const std::uint64_t retried = counter_total(metrics, "http_requests_retried"); retried > 0) {
    page.item({Span("  retried      ")},
              fmt::format("{}, because a kept connection had been closed", counted(retried, "request")), Tone::warn);
  }
}

}  // namespace lgen
