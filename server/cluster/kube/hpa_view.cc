#include "hpa_view.h"

#include <fmt/format.h>

#include <utility>

#include "columns.h"

namespace lgen::kube {

namespace {

std::string in_seconds(Duration duration) {
  return fmt::format("{} seconds", std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

const char* word_of(hpa::Select select) {
  return select == hpa::Select::max ? "Max" : select == hpa::Select::min ? "Min" : "Disabled";
}

std::string label_of(const hpa::Metric& metric) {
  const bool percent = metric.target == hpa::Metric::Target::utilization;
  switch (metric.type) {
    case hpa::Metric::Type::resource:
      return fmt::format("resource {} on pods{}", metric.name, percent ? " (as a percentage of request)" : "");
    case hpa::Metric::Type::pods:
      return fmt::format("\"{}\" on pods", metric.name);
    case hpa::Metric::Type::object:
      return fmt::format("\"{}\" on an object", metric.name);
    case hpa::Metric::Type::external:
      return fmt::format("\"{}\" (external)", metric.name);
  }
  return metric.name;
}

void add_rules(std::vector<Row>& rows, const char* direction, const hpa::Rules& rules, Duration stabilization) {
  rows.push_back({fmt::format("  {}:", direction)});
  rows.push_back({"    Stabilization Window:", in_seconds(rules.stabilization.value_or(stabilization))});
  if (rules.tolerance) rows.push_back({"    Tolerance:", fmt::format("{}", *rules.tolerance)});
  rows.push_back({"    Select Policy:", word_of(rules.select)});
  rows.push_back({"    Policies:"});
  for (const hpa::Policy& policy : rules.policies) {
    rows.push_back({fmt::format("      - Type: {}", policy.type == hpa::Policy::Type::pods ? "Pods" : "Percent"),
                    fmt::format("Value: {}  Period: {}", policy.value, in_seconds(policy.period))});
  }
}

std::vector<Row> facts(const HpaView& hpa) {
  std::vector<Row> rows = {{"Name:", hpa.name},
                           {"Reference:", "Deployment/" + hpa.deployment},
                           {"Age:", human_duration(hpa.age)},
                           {"Metrics:", "( current / target )"}};
  for (std::size_t i = 0; i < hpa.spec.metrics.size(); ++i) {
    const auto& proposals = hpa.last.proposals;
    rows.push_back({fmt::format("  {}:", label_of(hpa.spec.metrics[i])),
                    usage_and_goal(hpa.spec.metrics[i], i < proposals.size() ? &proposals[i] : nullptr, " / ")});
  }
  rows.push_back({"Min replicas:", std::to_string(hpa.spec.min)});
  rows.push_back({"Max replicas:", std::to_string(hpa.spec.max)});
  if (hpa.spec.behavior) {
    rows.push_back({"Behavior:"});
    add_rules(rows, "Scale Up", hpa.spec.behavior->up, Duration::zero());
    add_rules(rows, "Scale Down", hpa.spec.behavior->down, hpa::Controller{}.downscale_stabilization);
  }
  rows.push_back({"Deployment pods:", fmt::format("{} current / {} desired", hpa.replicas, hpa.last.desired)});
  return rows;
}

std::vector<Row> conditions(const hpa::Decision& last) {
  std::vector<Row> rows = {{"  Type", "Status", "Reason", "Message"}, {"  ----", "------", "------", "-------"}};
  for (const auto& [name, condition] :
       {std::pair("AbleToScale", &last.able_to_scale), std::pair("ScalingActive", &last.scaling_active),
        std::pair("ScalingLimited", &last.scaling_limited)}) {
    if (condition->reason.empty()) continue;
    rows.push_back(
        {fmt::format("  {}", name), condition->is_true ? "True" : "False", condition->reason, condition->message});
  }
  return rows;
}

std::vector<Row> events(const std::vector<Rescale>& rescales) {
  std::vector<Row> rows = {{"  Type", "Reason", "Age", "Message"}, {"  ----", "------", "---", "-------"}};
  for (const Rescale& one : rescales) {
    rows.push_back({"  Normal", "SuccessfulRescale", human_duration(one.age),
                    fmt::format("New size: {}; reason: {}", one.replicas, one.reason)});
  }
  return rows;
}

std::string aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  return layout(rows, widths, 2);
}

}  // namespace

std::string description(const HpaView& hpa) {
  std::string text = aligned(facts(hpa));
  const auto known = conditions(hpa.last);
  text += known.size() > 2 ? "Conditions:\n" + aligned(known) : "Conditions:  <none>\n";
  text += hpa.rescales.empty() ? "Events:      <none>\n" : "Events:\n" + aligned(events(hpa.rescales));
  return text;
}

}  // namespace lgen::kube
