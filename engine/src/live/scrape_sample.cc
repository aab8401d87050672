// What can be asked of one round of pages: which series, their sum or extremes, whether a condition holds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "lgen/scrape.h"
#include "lgen/text.h"
#include "scrape_labels.h"

namespace lgen {
namespace {

template <std::size_t N>
std::optional<std::size_t> index_of(const std::string_view (&names)[N], std::string_view text) {
  const auto at = std::find(std::begin(names), std::end(names), text);
  if (at == std::end(names)) return std::nullopt;
  return static_cast<std::size_t>(at - std::begin(names));
}

bool compare(double value, Comparison how, double bound) {
  switch (how) {
    case Comparison::less:
      return value < bound;
    case Comparison::less_equal:
      return value <= bound;
    case Comparison::greater:
      return value > bound;
    case Comparison::greater_equal:
      return value >= bound;
    case Comparison::equal:
      return value == bound;
    case Comparison::not_equal:
      return value != bound;
  }
  return false;
}

/// How far `value` is from fitting; below 0 it fits, the more the better.
double distance(double value, const ScrapeCondition& condition) {
  switch (condition.comparison) {
    case Comparison::less:
    case Comparison::less_equal:
      return value - condition.bound;
    case Comparison::greater:
    case Comparison::greater_equal:
      return condition.bound - value;
    case Comparison::equal:
      return std::fabs(value - condition.bound);
    case Comparison::not_equal:
      return -std::fabs(value - condition.bound);
  }
  return 0;
}

/// any and all: the series that decides.
ConditionState judge_each(const ScrapeCondition& condition, const std::vector<PodSeries>& found, bool all_up) {
  if (found.empty()) return {};
  const auto nearer = [&](const PodSeries& a, const PodSeries& b) {
    return distance(a.sample.value, condition) < distance(b.sample.value, condition);
  };
  const bool all = condition.aggregate == Aggregate::all;
  const auto decides =
      all ? std::max_element(found.begin(), found.end(), nearer) : std::min_element(found.begin(), found.end(), nearer);
  const double value = decides->sample.value;
  return {compare(value, condition.comparison, condition.bound) && (!all || all_up), value};
}

}  // namespace

std::size_t ScrapeSample::up() const {
  return static_cast<std::size_t>(
      std::count_if(pods.begin(), pods.end(), [](const PodPage& pod) { return pod.page != nullptr; }));
}

std::optional<Error> ScrapeSample::error() const {
  if (up() > 0) return std::nullopt;
  for (const PodPage& pod : pods) {
    if (!pod.error) continue;
    const std::size_t others = pods.size() - 1;
    return make_error(pod.error->code,
                      others == 0 ? pod.error->message
                                  : fmt::format("{}; {} like it", pod.error->message, counted(others, "more pod")));
  }
  return make_error(ErrorCode::unavailable, trouble.empty() ? "there is no pod" : trouble);
}

Labels PodSeries::labels() const {
  Labels labels = pod.labels;
  labels.emplace_back("pod", pod.pod);
  for (const auto& [name, value] : sample.labels) {
    if (!value.empty()) labels.emplace_back(page_label(name, pod.labels), value);
  }
  std::sort(labels.begin(), labels.end());
  return labels;
}

std::vector<PodSeries> find_series(const ScrapeSample& sample, std::string_view metric, const Labels& wanted) {
  std::vector<PodSeries> found;
  for (const PodPage& pod : sample.pods) {
    if (!pod.page) continue;
    pod.page->each(metric, [&](const PageSample& one) {
      const PodSeries series{pod, one};
      if (!std::isnan(one.value) && (wanted.empty() || labels_match(series.labels(), wanted))) found.push_back(series);
    });
  }
  return found;
}

std::optional<Comparison> parse_comparison(std::string_view text) {
  const auto index = index_of(kComparisons, text == "!=" ? "~=" : text);
  return index ? std::optional(static_cast<Comparison>(*index)) : std::nullopt;
}

std::optional<Aggregate> parse_aggregate(std::string_view text) {
  const auto index = index_of(kAggregates, text);
  return index ? std::optional(static_cast<Aggregate>(*index)) : std::nullopt;
}

std::optional<double> combine(std::span<const PodSeries> series, Aggregate how) {
  if (series.empty()) return std::nullopt;
  double sum = 0, least = series[0].sample.value, most = least;
  for (const PodSeries& one : series) {
    sum += one.sample.value;
    least = std::min(least, one.sample.value);
    most = std::max(most, one.sample.value);
  }
  if (how == Aggregate::max) return most;
  if (how == Aggregate::min) return least;
  return how == Aggregate::avg ? sum / static_cast<double>(series.size()) : sum;
}

std::string ScrapeCondition::text() const {
  std::string wanted;
  for (const auto& [name, value] : labels) {
    wanted += fmt::format("{}{}=\"{}\"", wanted.empty() ? "" : ",", name, value);
  }
  return fmt::format("{}({}{}) {} {}", kAggregates[static_cast<std::size_t>(aggregate)], metric,
                     wanted.empty() ? "" : "{" + wanted + "}", kComparisons[static_cast<std::size_t>(comparison)],
                     bound);
}

ConditionState judge(const ScrapeCondition& condition, const ScrapeSample& sample) {
  const std::vector<PodSeries> found = find_series(sample, condition.metric, condition.labels);
  if (condition.aggregate == Aggregate::any || condition.aggregate == Aggregate::all) {
    return judge_each(condition, found, sample.down() == 0);
  }
  const auto value = combine(found, condition.aggregate);
  return {value && compare(*value, condition.comparison, condition.bound), value};
}

}  // namespace lgen
