#include "columns.h"

#include <fmt/format.h>

#include <algorithm>

#include "quantity.h"

namespace lgen::kube {

namespace {

constexpr std::size_t kLeastWidth = 3, kMetricsShown = 2;

// As kubectl does since 1.31: a resource by its name, the others without.
std::string target(const hpa::Metric& metric, const Result<hpa::Proposal>* proposal) {
  const std::string both = usage_and_goal(metric, proposal, "/");
  return metric.type == hpa::Metric::Type::resource ? fmt::format("{}: {}", metric.name, both) : both;
}

}  // namespace

std::string usage_and_goal(const hpa::Metric& metric, const Result<hpa::Proposal>* proposal,
                           std::string_view separator) {
  const bool percent = metric.target == hpa::Metric::Target::utilization;
  const auto shown = [&](std::int64_t value) { return percent ? fmt::format("{}%", value) : format_quantity(value); };
  const bool known = proposal != nullptr && proposal->ok();
  const bool whole = metric.type == hpa::Metric::Type::object || metric.type == hpa::Metric::Type::external;
  const bool average = whole && metric.target == hpa::Metric::Target::average_value;
  return fmt::format("{}{}{}{}", known ? shown((*proposal)->usage) : "<unknown>", separator, shown(metric.goal),
                     average ? " (avg)" : "");
}

Row pods_header() { return {"NAME", "READY", "STATUS", "RESTARTS", "AGE"}; }

Row cells(const PodRow& pod) {
  std::string restarts = std::to_string(pod.restarts);
  if (pod.restarts > 0 && pod.since_restart) restarts += fmt::format(" ({} ago)", human_duration(*pod.since_restart));
  return {pod.name, pod.ready ? "1/1" : "0/1", pod.status, restarts, human_duration(pod.age)};
}

Row deployments_header() { return {"NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"}; }

Row cells(const DeploymentRow& deployment) {
  return {deployment.name, fmt::format("{}/{}", deployment.ready, deployment.replicas),
          std::to_string(deployment.updated), std::to_string(deployment.available), human_duration(deployment.age)};
}

Row hpa_header() { return {"NAME", "REFERENCE", "TARGETS", "MINPODS", "MAXPODS", "REPLICAS", "AGE"}; }

Row cells(const HpaView& hpa) {
  return {hpa.name,
          "Deployment/" + hpa.deployment,
          targets(hpa.spec, hpa.last.proposals),
          std::to_string(hpa.spec.min),
          std::to_string(hpa.spec.max),
          std::to_string(hpa.replicas),
          human_duration(hpa.age)};
}

std::string targets(const hpa::Spec& spec, const std::vector<Result<hpa::Proposal>>& proposals) {
  std::string text;
  for (std::size_t i = 0; i < std::min(spec.metrics.size(), kMetricsShown); ++i) {
    if (i > 0) text += ", ";
    text += target(spec.metrics[i], i < proposals.size() ? &proposals[i] : nullptr);
  }
  if (spec.metrics.size() > kMetricsShown) text += fmt::format(" + {} more...", spec.metrics.size() - kMetricsShown);
  return text;
}

std::string human_duration(Duration duration) {
  const auto seconds = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(duration).count());
  const auto pair = [](std::int64_t whole, const char* unit, std::int64_t part, const char* part_unit) {
    return part == 0 ? fmt::format("{}{}", whole, unit) : fmt::format("{}{}{}{}", whole, unit, part, part_unit);
  };
  const std::int64_t minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (minutes < 10) return pair(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return pair(hours, "h", minutes % 60, "m");
  if (hours < 48) return fmt::format("{}h", hours);
  if (days < 8) return pair(days, "d", hours % 24, "h");
  return fmt::format("{}d", days);
}

std::string layout(const std::vector<Row>& rows, std::vector<std::size_t>& widths, std::size_t gap) {
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), kLeastWidth);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}", row[i], widths[i] + gap);
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace lgen::kube
