#include "scrape_recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lgen/log.h"
#include "scrape_labels.h"

namespace lgen {
namespace {

/// `*` stands for any text.
bool matches(std::string_view name, std::string_view pattern) {
  const std::size_t star = pattern.find('*');
  if (star == pattern.npos) return name == pattern;
  if (!name.starts_with(pattern.substr(0, star))) return false;
  name.remove_prefix(star);
  pattern.remove_prefix(star + 1);
  for (std::size_t i = 0; i <= name.size(); ++i) {
    if (matches(name.substr(i), pattern)) return true;
  }
  return false;
}

/// What a name is by Prometheus' conventions, until a page tells.
MetricType usual_type(std::string_view name) {
  for (const std::string_view ending : {"_total", "_count", "_sum", "_bucket"}) {
    if (name.ends_with(ending)) return MetricType::counter;
  }
  return MetricType::gauge;
}

MetricType type_of(const PageSample& sample) {
  if (sample.type == FamilyType::untyped) return usual_type(sample.name);
  return sample.rises() ? MetricType::counter : MetricType::gauge;
}

MetricSpec scraped(std::string name, MetricType type) {
  MetricSpec spec{.name = std::move(name), .type = type, .labels = {"pod", "target"}};
  spec.scraped = true;
  return spec;
}

/// The help of the family that `sample` belongs to.
std::string_view help_of(const MetricsPage& page, const PageSample& sample) {
  for (const MetricFamily& family : page.families()) {
    if (family.name == sample.name) return family.help;
  }
  return {};
}

double process_start(const MetricsPage& page) {
  double start = 0;
  page.each("process_start_time_seconds", [&](const PageSample& sample) { start = sample.value; });
  return start;
}

}  // namespace

ScrapeRecorder::ScrapeRecorder(Metrics& metrics, std::string target, std::vector<std::string> patterns)
    : metrics_(metrics), target_(std::move(target)), patterns_(std::move(patterns)) {}

Outcome ScrapeRecorder::define() {
  MetricSpec up = scraped("up", MetricType::gauge);
  up.help = "1 while a pod's metrics page can be read, else 0";
  MetricSpec took = scraped("scrape_duration_seconds", MetricType::histogram);
  took.unit = "s";
  took.help = "to fetch and read a pod's metrics page";
  up.type_told = took.type_told = true;
  for (auto [spec, id] : {std::pair{&up, &up_}, std::pair{&took, &took_}}) {
    const auto made = metrics_.define(*spec);
    if (!made) return made.error();
    *id = *made;
  }
  for (const std::string& pattern : patterns_) {
    if (pattern.find('*') != pattern.npos) continue;
    if (const Outcome defined = define_name(pattern); !defined) return defined;
  }
  return Done{};
}

Outcome ScrapeRecorder::define_name(const std::string& name) {
  if (const auto there = metrics_.find(name); there && metrics_.spec(*there).scraped) return Done{};
  const auto made = metrics_.define(scraped(name, usual_type(name)));
  return made ? Outcome(Done{}) : Outcome(made.error());
}

void ScrapeRecorder::record(const ScrapeSample& sample) {
  ++round_;
  for (const PodPage& page : sample.pods) {
    Pod& pod = pod_of(page);
    pod.round = round_;
    metrics_.set(pod.up, page.page ? 1 : 0);
    if (page.page) record_page(pod, page);
    end_gauges(pod);
  }
  for (auto& [name, pod] : pods_) {
    if (pod.round == round_) continue;
    metrics_.clear(pod.up);
    end_gauges(pod);
  }
}

ScrapeRecorder::Pod& ScrapeRecorder::pod_of(const PodPage& page) {
  const auto [at, made] = pods_.try_emplace(page.pod);
  if (!made) return at->second;
  Labels labels = page.labels;
  labels.emplace_back("pod", page.pod);
  labels.emplace_back("target", target_);
  std::sort(labels.begin(), labels.end());
  at->second.up = metrics_.series(up_, labels);
  at->second.took = metrics_.series(took_, labels);
  return at->second;
}

bool ScrapeRecorder::wants(const PageSample& sample) const {
  if (patterns_.empty()) {
    const bool bucket = sample.type == FamilyType::histogram && sample.name.ends_with("_bucket");
    const bool quantile = sample.type == FamilyType::summary && !sample.rises();
    return !bucket && !quantile && !sample.name.ends_with("_created");
  }
  return records(sample.name);
}

bool ScrapeRecorder::records(std::string_view metric) const {
  return patterns_.empty() ||
         std::any_of(patterns_.begin(), patterns_.end(), [&](const auto& one) { return matches(metric, one); });
}

void ScrapeRecorder::read_types(const MetricsPage& page) {
  for (const MetricFamily& family : page.families()) {
    const auto known = patterns_.empty() ? std::nullopt : metrics_.find(family.name);
    if (known && (family.type == FamilyType::counter || family.type == FamilyType::gauge)) {
      const bool counts = family.type == FamilyType::counter;
      metrics_.tell_type(*known, counts ? MetricType::counter : MetricType::gauge, family.help);
    }
  }
}

void ScrapeRecorder::record_page(Pod& pod, const PodPage& page) {
  metrics_.record(pod.took, page.took);
  // A series that an earlier page did not have was 0 then.
  const bool from_zero = pod.known || process_start(*page.page) > began_unix_;
  if (!pod.known) read_types(*page.page);
  pod.known = true;
  // Most of a large page is left out: that is told by the name, which its neighbours share, and nothing is kept of it.
  const Name* known = nullptr;
  std::string_view name;
  for (const PageSample& sample : page.page->samples()) {
    if (!std::isfinite(sample.value)) continue;
    if (!known || sample.name != name) known = &name_of(page, sample);
    name = sample.name;
    if (!known->metric) continue;
    key_.assign(sample.name);
    for (const auto& [key, value] : sample.labels) key_.append(1, '\xff').append(key).append(1, '\xff').append(value);
    const auto at = pod.lines.find(key_);
    Line* const line = at == pod.lines.end() ? make_line(pod, page, sample, from_zero) : &at->second;
    if (line) update(*line, sample.value);
  }
}

void ScrapeRecorder::update(Line& line, double value) {
  line.round = round_;
  if (!line.counts) return metrics_.set(line.series, value);
  const double risen = value >= line.last ? value - line.last : value;  // fallen: the process is a new one
  line.last = value;
  if (risen > 0) metrics_.add(line.series, risen);
}

/// Of `key_`.
ScrapeRecorder::Line* ScrapeRecorder::make_line(Pod& pod, const PodPage& page, const PageSample& sample,
                                                bool from_zero) {
  Name& name = name_of(page, sample);
  if (lines_ == kMostScrapedSeries) {
    if (!std::exchange(name.cut, true)) {
      cut_.emplace_back(sample.name);
      log(LogLevel::warn, fmt::format("scrape target '{}': further series of {} are left out of the report and of "
                                      "thresholds: there are {} series already",
                                      target_, sample.name, kMostScrapedSeries));
    }
    return nullptr;
  }
  ++lines_;
  Labels labels = PodSeries{page, sample}.labels();
  labels.emplace_back("target", target_);
  std::sort(labels.begin(), labels.end());
  const bool counts = metrics_.spec(*name.metric).type == MetricType::counter;
  const Line line{metrics_.series(*name.metric, labels), counts, from_zero ? 0 : sample.value, 0};
  return &pod.lines.emplace(key_, line).first->second;
}

ScrapeRecorder::Name& ScrapeRecorder::name_of(const PodPage& page, const PageSample& sample) {
  const auto known = by_name_.find(sample.name);
  if (known != by_name_.end()) return known->second;
  return by_name_.emplace(sample.name, Name{metric_of(page, sample)}).first->second;
}

std::optional<MetricId> ScrapeRecorder::metric_of(const PodPage& page, const PageSample& sample) {
  if (!wants(sample)) return std::nullopt;
  const std::string name{sample.name};
  const auto there = metrics_.find(name);
  if (there && !metrics_.spec(*there).scraped) {
    leave_out(name, "the run has a metric of that name");
    return std::nullopt;
  }
  const auto made = there ? Result<MetricId>(*there) : metrics_.define(scraped(name, type_of(sample)));
  if (!made) {
    leave_out(name, made.error().message);
    return std::nullopt;
  }
  metrics_.tell_type(*made, type_of(sample), help_of(*page.page, sample));
  return *made;
}

void ScrapeRecorder::end_gauges(Pod& pod) {
  for (auto& [key, line] : pod.lines) {
    if (!line.counts && line.round != round_) metrics_.clear(line.series);
  }
}

void ScrapeRecorder::leave_out(std::string_view name, std::string_view why) const {
  log(LogLevel::warn, fmt::format("scrape target '{}': {} is left out of the report: {}", target_, name, why));
}

}  // namespace lgen
