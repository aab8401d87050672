#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lgen/run_log.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes of a server that are no UTF-8 become U+FFFD instead of an exception.
void put(std::string& lines, const Json& line) {
  lines += line.dump(-1, ' ', false, Json::error_handler_t::replace);
  lines += '\n';
}

/// Nanoseconds of a clock are more than anybody reads.
double rounded(double seconds) { return std::round(seconds * 1e6) / 1e6; }

/// Whole numbers without ".0"; what JSON has no number for as null.
Json number(double x) {
  constexpr double kExact = 9007199254740992;  // 2^53
  if (!std::isfinite(x)) return {};
  if (x == std::floor(x) && std::fabs(x) < kExact) return static_cast<std::int64_t>(x);
  return x;
}

void put_text(Json& object, const char* key, std::string_view text) {
  if (!text.empty()) object[key] = std::string(text);
}

/// What `where` is.
const char* place_key(const Failure& failure) {
  if (failure.kind == "check") return "check";
  return failure.kind == "iteration" ? "" : "method";
}

Histogram merged(const MetricSnapshot& metric) {
  Histogram sum;
  for (const SeriesSnapshot& series : metric.series) {
    if (series.histogram) sum.merge(*series.histogram);
  }
  return sum;
}

Json latency_of(const MetricSnapshot& metric) {
  const Histogram all = merged(metric);
  const auto at = [&](double p) { return number(metric.in_unit(static_cast<double>(all.percentile(p)))); };
  return {{"count", all.count()},
          {"med", at(50)},
          {"p99", at(99)},
          {"max", number(metric.in_unit(static_cast<double>(all.max())))}};
}

Json rate_of(const MetricSnapshot& metric) {
  std::uint64_t hits = 0, count = 0;
  for (const SeriesSnapshot& series : metric.series) {
    hits += series.hits;
    count += series.count;
  }
  return {{"hits", hits}, {"count", count}};
}

Json value_of(const MetricSnapshot& metric) {
  switch (metric.spec.type) {
    case MetricType::histogram:
      return latency_of(metric);
    case MetricType::rate:
      return rate_of(metric);
    case MetricType::counter:
    case MetricType::gauge:
      break;
  }
  double sum = 0;
  for (const SeriesSnapshot& series : metric.series) sum += series.value;
  return number(sum);
}

}  // namespace

void NdjsonLog::begin(const RunInfo& run) {
  put(lines_, {{"type", "begin"},
               {"schema", std::string(kNdjsonSchema)},
               {"started_unix", run.started_unix},
               {"plan", run.plan},
               {"name", run.plan_name},
               {"target", run.target},
               {"seed", run.seed},
               {"version", run.lgen_version},
               {"host", run.host}});
}

void NdjsonLog::failure(const Failure& failure) {
  ++errors_;
  if (++in_this_second_ > limit_) return;
  Json line = {{"type", "error"}, {"at", rounded(failure.at)}, {"kind", std::string(failure.kind)}};
  put_text(line, "scenario", failure.scenario);
  put_text(line, "phase", failure.phase);
  if (const char* key = place_key(failure); *key) put_text(line, key, failure.where);
  put_text(line, "channel", failure.channel);
  put_text(line, "backend", failure.backend);
  line["code"] = std::string(failure.code);
  line["message"] = std::string(failure.message);
  if (failure.duration) line["duration"] = rounded(*failure.duration);
  put(lines_, line);
}

void NdjsonLog::event(const EventRecord& event) {
  Json fields = Json::object();
  for (const auto& [key, value] : event.fields) {
    if (const double* x = std::get_if<double>(&value)) {
      fields[key] = number(*x);
    } else {
      std::visit([&](const auto& typed) { fields[key] = typed; }, value);
    }
  }
  put(lines_, {{"type", "event"}, {"at", rounded(event.at)}, {"name", event.name}, {"fields", std::move(fields)}});
}

void NdjsonLog::tell_left_out(double at) {
  if (in_this_second_ > limit_) {
    left_out_ += in_this_second_ - limit_;
    put(lines_, {{"type", "left_out"}, {"at", at}, {"count", in_this_second_ - limit_}});
  }
  in_this_second_ = 0;
}

void NdjsonLog::second(Duration from, Duration to, const Snapshot& change, const Snapshot& now) {
  const double at = rounded(to_seconds(to));
  tell_left_out(at);
  Json metrics = Json::object();
  for (const MetricSnapshot& metric : change.metrics) {
    if (metric.spec.type != MetricType::gauge) metrics[metric.spec.name] = value_of(metric);
  }
  for (const MetricSnapshot& metric : now.metrics) {  // one that rests has its value all the same
    if (metric.spec.type == MetricType::gauge && !metric.series.empty()) metrics[metric.spec.name] = value_of(metric);
  }
  put(lines_,
      {{"type", "second"}, {"at", at}, {"length", rounded(to_seconds(to - from))}, {"metrics", std::move(metrics)}});
}

void NdjsonLog::end(const RunInfo& run) {
  tell_left_out(rounded(run.duration));
  put(lines_, {{"type", "end"},
               {"duration", rounded(run.duration)},
               {"paused", rounded(run.paused)},
               {"measured", rounded(run.measured)},
               {"end", run.end},
               {"exit_code", run.exit_code},
               {"errors", errors_},
               {"left_out", left_out_},
               {"outputs_lost", run.outputs_lost},
               {"lines_lost", run.lines_lost}});
}

}  // namespace lgen
