// How the run ended, what was demanded of it, and the handful of figures that people look for first.

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "figures.h"
#include "lgen/http_recorder.h"
#include "lgen/report.h"
#include "names.h"
#include "page_data.h"
#include "page_number.h"
#include "sections.h"

namespace lgen::html {
namespace {

constexpr std::size_t kMaxJudged = 200;

Json option_of(const std::pair<std::string, Scalar>& option) {
  return {option.first, std::visit(
                            [](const auto& value) -> Json {
                              if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>) return exact(value);
                              if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
                                return cut(value);
                              return value;
                            },
                            option.second)};
}

struct Tally {
  std::uint64_t passed = 0, failed = 0;
  Json json() const { return {{"passed", passed}, {"failed", failed}}; }
};

template <class T, class Passed>
Tally tally(const std::vector<T>& all, Passed passed) {
  Tally sum;
  for (const T& one : all) ++(passed(one) ? sum.passed : sum.failed);
  return sum;
}

Json tile(std::string_view id, std::string_view label, Json value, std::string_view unit) {
  return {{"id", id}, {"label", label}, {"value", std::move(value)}, {"unit", unit}};
}

/// The latency that stands for the run: calls, else round trips (unless they are few beside the streams), else opening
/// streams.
struct Headline {
  std::string_view metric, words;
};
constexpr std::string_view kRoundTrip = "grpc_message_rtt_seconds", kOpening = "grpc_stream_open_seconds";
constexpr Headline kHeadlines[] = {{"grpc_call_duration_seconds", "response time"},
                                   {"http_request_duration_seconds", "response time"},
                                   {kRoundTrip, "round trip"},
                                   {kOpening, "to open a stream"},
                                   {"iteration_duration_seconds", "an iteration"}};

class Tiles {
 public:
  explicit Tiles(const Summary& summary) : summary_(summary) {}

  Json all() {
    traffic();
    latency();
    errors();
    streams();
    messages();
    connections();
    if (tiles_.empty()) iterations();
    return std::move(tiles_);
  }

 private:
  std::uint64_t total(std::string_view name) const { return counter_total(summary_.metrics, name); }

  void put(Json tile) { tiles_.push_back(std::move(tile)); }

  Json with_rate(Json tile, std::string_view metric, std::uint64_t n) const {
    const MetricSnapshot* found = summary_.metrics.find(metric);
    const double seconds = found ? measured_seconds(summary_, *found) : 0;
    if (seconds > 0) tile["rate"] = exact(static_cast<double>(n) / seconds);
    return tile;
  }

  /// Those of a counter by code that have ended badly.
  std::uint64_t bad_ends(std::string_view metric) const {
    const MetricSnapshot* found = summary_.metrics.find(metric);
    std::uint64_t bad = 0;
    if (!found) return bad;
    for (const auto& [code, n] : totals_by(*found, "code")) bad += ended_well(code) ? 0 : n;
    return bad;
  }

  void traffic() {
    const std::uint64_t requests = total("http_requests");
    if (requests > 0) put(with_rate(tile("requests", "Requests", requests, ""), "http_requests", requests));
    const std::uint64_t calls = total("grpc_calls");
    if (calls > 0) put(with_rate(tile("calls", "Calls", calls, ""), "grpc_calls", calls));
  }

  std::uint64_t samples(std::string_view name) const {
    const MetricSnapshot* found = summary_.metrics.find(name);
    const SeriesSnapshot all = found ? aggregate(*found, {}) : SeriesSnapshot{};
    return all.histogram ? all.histogram->count() : 0;
  }

  bool says_little(std::string_view metric) const {
    const std::uint64_t count = samples(metric);
    return count == 0 || (metric == kRoundTrip && count * 10 < samples(kOpening));
  }

  void latency() {
    for (const auto& [metric, words] : kHeadlines) {
      if (says_little(metric)) continue;
      const MetricSnapshot* found = summary_.metrics.find(metric);
      const SeriesSnapshot all = aggregate(*found, {});
      for (const int p : {50, 95, 99}) {
        const auto ticks = static_cast<double>(all.histogram->percentile(p));
        Json one = tile(fmt::format("p{}", p), fmt::format("p{}", p), exact(found->in_unit(ticks)), "s");
        one["detail"] = words;
        put(std::move(one));
      }
      return;
    }
  }

  void errors() {
    const std::uint64_t calls = total("grpc_calls"), ended = total("grpc_streams_ended");
    const std::uint64_t requests = total("http_requests"), all = calls + ended + requests;
    if (all == 0) return;
    const std::uint64_t bad = bad_ends("grpc_calls") + total("grpc_streams_failed") + bad_ends("http_requests");
    std::vector<std::string> kinds;
    if (calls > 0) kinds.emplace_back("calls");
    if (ended > 0) kinds.emplace_back("streams");
    if (requests > 0) kinds.emplace_back("requests");
    Json one = tile("errors", "Errors", bad, "");
    one["share"] = static_cast<double>(bad) / static_cast<double>(all);
    one["detail"] = "of " + join_words(kinds);
    one["tone"] = bad > 0 ? "bad" : "good";
    put(std::move(one));
  }

  void streams() {
    const std::uint64_t opened = total("grpc_streams_opened");
    if (opened == 0) return;
    Json one = tile("streams", "Streams", opened, "");
    const std::uint64_t failed = total("grpc_streams_failed");
    one["detail"] = failed > 0 ? grouped_words(failed, "failed") : "none failed";
    put(std::move(one));
  }

  static std::string grouped_words(std::uint64_t n, std::string_view what) { return fmt::format("{} {}", n, what); }

  void messages() {
    const std::uint64_t sent = total("grpc_messages_sent"), received = total("grpc_messages_received");
    if (sent > 0) put(with_rate(tile("messages_sent", "Messages sent", sent, ""), "grpc_messages_sent", sent));
    if (received > 0)
      put(with_rate(tile("messages_received", "Received", received, ""), "grpc_messages_received", received));
  }

  void connections() {
    if (summary_.channels.empty()) return;
    const std::string words = socket_words(summary_.channels);  // "4 sockets for 3 channels: one reconnect"
    Json one = tile("connections", "Connections", sockets_of(summary_.channels), "");
    one["detail"] = words.substr(words.find(" for ") + 1);
    put(std::move(one));
  }

  void iterations() {
    const std::uint64_t n = total("iterations");
    put(with_rate(tile("iterations", "Iterations", n, ""), "iterations", n));
  }

  const Summary& summary_;
  Json tiles_ = Json::array();
};

Json threshold_of(const Summary& summary, const ThresholdResult& threshold) {
  Json one = {{"words", threshold_words(threshold)}, {"ok", threshold.ok}};
  one["observed"] = threshold.observed ? exact(*threshold.observed) : Json();
  one["unit"] = observed_unit(summary, threshold);
  one["why"] = cut(threshold.why);
  return one;
}

Json check_of(const CheckResult& check) {
  return {{"name", cut(check.name, 120)},
          {"passes", check.passes},
          {"fails", check.fails},
          {"warmup", check.warmup_passes + check.warmup_fails},
          {"warmup_fails", check.warmup_fails},
          {"first_failure", cut(check.first_failure, 160)}};
}

template <class T, class Of>
Json list_of(const std::vector<T>& all, std::size_t most, Of of) {
  Json list = Json::array();
  for (std::size_t i = 0; i < std::min(all.size(), most); ++i) list.push_back(of(all[i]));
  return list;
}

}  // namespace

Json outcome_part(const Summary& summary) {
  Json verdicts = Json::array();
  for (const DistributionResult& result : summary.distributions) {
    verdicts.push_back(
        {{"name", result.table.name}, {"kind", to_string(result.verdict.kind)}, {"words", verdict_words(result, 120)}});
  }
  return {{"passed", summary.run.exit_code == 0},
          {"exit_code", summary.run.exit_code},
          {"words", outcome_words(summary)},
          {"end", summary.run.end},
          {"ended", how_it_ended(summary.run)},
          {"thresholds", tally(summary.thresholds, [](const auto& t) { return t.ok; }).json()},
          {"checks", tally(summary.checks, [](const auto& c) { return c.fails == 0; }).json()},
          {"checks_excuse", cut(excuse_of_checks(summary))},
          {"verdicts", std::move(verdicts)},
          {"validity", to_string(summary.health.validity)},
          {"reasons", summary.health.reasons},
          {"conservation", summary.conservation}};
}

Json figures_part(const Summary& summary) { return Tiles(summary).all(); }

Json judged_part(const Summary& summary) {
  return {{"thresholds", list_of(summary.thresholds, kMaxJudged,
                                 [&](const ThresholdResult& one) { return threshold_of(summary, one); })},
          {"thresholds_all", summary.thresholds.size()},
          {"checks", list_of(summary.checks, kMaxJudged, check_of)},
          {"checks_all", summary.checks.size()}};
}

Json run_part(const Summary& summary) {
  const RunInfo& run = summary.run;
  Json options = Json::array();
  for (const auto& option : run.options) options.push_back(option_of(option));
  return {{"plan", run.plan},
          {"name", run.plan_name.empty() ? run.plan : run.plan_name},
          {"about", cut(run.about)},
          {"sha256", run.plan_sha256},
          {"target", run.target},
          {"security", run.security},
          {"transport", run.transport},
          {"started_unix", exact(run.started_unix)},
          {"duration", exact(run.duration)},
          {"paused", exact(run.paused)},
          {"seed", std::to_string(run.seed)},  // beyond 2^53, perhaps
          {"version", run.lgen_version},
          {"host", run.host},
          {"notes", run.notes},
          {"options", std::move(options)}};
}

Json page_data(const Summary& summary) {
  return {{"schema", "lgen.page/1"},
          {"run", run_part(summary)},
          {"outcome", outcome_part(summary)},
          {"figures", figures_part(summary)},
          {"judged", judged_part(summary)},
          {"spread", spread_part(summary)},
          {"time", time_part(summary)},
          {"latency", latency_part(summary)},
          {"traffic", traffic_part(summary)},
          {"scenarios", scenarios_part(summary)},
          {"connections", connections_part(summary)},
          {"cold_starts", cold_starts_part(summary)},
          {"events", events_part(summary)},
          {"printed", printed_part(summary)},
          {"errors", errors_part(summary)},
          {"metrics", metrics_part(summary)},
          {"generator", generator_part(summary)}};
}

}  // namespace lgen::html
