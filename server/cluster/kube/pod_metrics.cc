#include "pod_metrics.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <utility>

namespace lgen::kube {

namespace {

constexpr std::string_view kGoogle = "prometheus.googleapis.com|", kGauge = "|gauge", kCounter = "|counter";
constexpr std::string_view kPerSecond = "_per_second", kTotal = "_total";

std::int64_t thousandths(double value) { return static_cast<std::int64_t>(std::ceil(value * 1000 - 1e-6)); }

}  // namespace

void PodMetrics::add_page(std::optional<Sums> sums, Instant now) {
  if (!sums) return pages_.clear();
  pages_.push_back({std::move(*sums), now});
  const auto newest = known(now.at);
  if (newest != pages_.end() && newest - pages_.begin() > 1) pages_.erase(pages_.begin(), newest - 1);
}

PodMetrics::Pages::const_iterator PodMetrics::known(TimePoint now) const {
  const auto after =
      std::find_if(pages_.begin(), pages_.end(), [&](const Page& page) { return page.taken.at + lag_ > now; });
  return after == pages_.begin() ? pages_.end() : after - 1;
}

void PodMetrics::add_cpu(std::int64_t process, Duration used, Instant now) {
  if (std::exchange(process_, process) != process) cpu_marks_.clear();
  if (cpu_marks_.size() == 2) cpu_marks_.erase(cpu_marks_.begin());
  cpu_marks_.push_back({used, now});
}

std::optional<double> PodMetrics::rate_of(const std::string& name, Pages::const_iterator page) const {
  const auto after = page->sums.find(name);
  if (page == pages_.begin() || after == page->sums.end()) return std::nullopt;
  const Page& previous = *(page - 1);
  const auto before = previous.sums.find(name);
  const double old = before == previous.sums.end() ? 0 : before->second;
  // A counter that fell belongs to a new process, which has counted from 0.
  const double gained = after->second < old ? after->second : after->second - old;
  const double seconds = to_seconds(page->taken.wall - previous.taken.wall);
  return seconds > 0 ? std::optional(gained / seconds) : std::nullopt;
}

std::optional<double> PodMetrics::find(const std::string& name, Pages::const_iterator page) const {
  std::string_view plain = name;
  if (plain.starts_with(kGoogle)) {
    plain.remove_prefix(kGoogle.size());
    if (plain.ends_with(kCounter)) return rate_of(std::string(plain.substr(0, plain.size() - kCounter.size())), page);
    if (plain.ends_with(kGauge)) plain.remove_suffix(kGauge.size());
  }
  // A counter's own value means nothing to an autoscaler: adapters make a rate of it.
  if (plain.ends_with(kTotal)) return rate_of(std::string(plain), page);
  if (const auto found = page->sums.find(plain); found != page->sums.end()) return found->second;
  if (!plain.ends_with(kPerSecond)) return std::nullopt;
  const std::string base(plain.substr(0, plain.size() - kPerSecond.size()));
  if (const auto rate = rate_of(base + "_total", page)) return rate;
  return rate_of(base + "_count_total", page);
}

std::optional<hpa::Sample> PodMetrics::value_of(const std::string& name, TimePoint now) const {
  const auto page = known(now);
  if (page == pages_.end()) return std::nullopt;
  const auto value = find(name, page);
  if (!value || !std::isfinite(*value)) return std::nullopt;
  return hpa::Sample{thousandths(*value), now - page->taken.at, Duration::zero()};
}

std::optional<hpa::Sample> PodMetrics::cpu(TimePoint now) const {
  if (cpu_marks_.size() < 2) return std::nullopt;
  const CpuMark &from = cpu_marks_[0], &to = cpu_marks_[1];
  const double cores = to_seconds(to.used - from.used) / to_seconds(to.taken.wall - from.taken.wall);
  if (!std::isfinite(cores)) return std::nullopt;
  return hpa::Sample{thousandths(cores), now - to.taken.at, to.taken.at - from.taken.at};
}

hpa::Reading read_metric(const hpa::Metric& metric, const std::vector<const PodMetrics*>& pods, TimePoint now) {
  hpa::Reading reading;
  for (const PodMetrics* pod : pods) {
    std::optional<hpa::Sample> sample;
    if (metric.type != hpa::Metric::Type::resource) {
      sample = pod->value_of(metric.name, now);
    } else if (metric.name == "cpu") {
      sample = pod->cpu(now);
    }
    reading.of_pods.push_back(sample);
    if (sample) reading.value = reading.value.value_or(0) + sample->value;
  }
  return reading;
}

}  // namespace lgen::kube
