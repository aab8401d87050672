#include <fmt/format.h>

#include "known_keys.h"
#include "quantity.h"
#include "read_kinds.h"

namespace lgen::kube {

namespace {

std::int64_t whole_seconds(Duration duration) {
  return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
}

void read_target(const YamlNode& target, bool of_resource, bool has_value, hpa::Metric& metric) {
  const std::string type = target["type"].text();
  if (type == "Utilization" && of_resource) {
    metric.target = hpa::Metric::Target::utilization;
    metric.goal = target["averageUtilization"].integer(1);
  } else if (type == "AverageValue") {
    metric.target = hpa::Metric::Target::average_value;
    metric.goal = target["averageValue"].quantity();
  } else if (type == "Value" && has_value) {
    metric.target = hpa::Metric::Target::value;
    metric.goal = target["value"].quantity();
  } else {
    target["type"].refuse(fmt::format("is {}, which must be {}", type,
                                      of_resource ? "Utilization or AverageValue"
                                      : has_value ? "Value or AverageValue"
                                                  : "AverageValue"));
  }
}

// Without a source the autoscaler holds, as Kubernetes' would; so it is no error.
void note_source(const YamlNode& name, std::vector<Skipped>& skipped) {
  if (name.text() == "cpu") return;
  skipped.push_back({"metric", name.text(), name.where(), "lgen-cluster measures pods' cpu alone of resources"});
}

hpa::Metric read_metric(const YamlNode& node, std::vector<Skipped>& skipped) {
  hpa::Metric metric;
  const std::string type = node["type"].text();
  if (type == "Resource" || type == "ContainerResource") {
    const YamlNode source = node[type == "Resource" ? "resource" : "containerResource"];
    metric.type = hpa::Metric::Type::resource;
    metric.name = source["name"].text();
    note_source(source["name"], skipped);
    read_target(source["target"], true, false, metric);
    return metric;
  }
  const bool pods = type == "Pods", object = type == "Object";
  if (!pods && !object && type != "External") {
    node["type"].refuse(
        fmt::format("is {}, which must be Resource, ContainerResource, Pods, Object or External", type));
  }
  const YamlNode source = node[pods ? "pods" : object ? "object" : "external"];
  metric.type = pods ? hpa::Metric::Type::pods : object ? hpa::Metric::Type::object : hpa::Metric::Type::external;
  metric.name = source["metric"]["name"].text();
  read_target(source["target"], false, !pods, metric);
  return metric;
}

hpa::Policy read_policy(const YamlNode& node) {
  hpa::Policy policy;
  const std::string type = node["type"].text();
  if (type != "Pods" && type != "Percent")
    node["type"].refuse(fmt::format("is {}, which must be Pods or Percent", type));
  policy.type = type == "Pods" ? hpa::Policy::Type::pods : hpa::Policy::Type::percent;
  policy.value = node["value"].integer(1);
  policy.period = std::chrono::seconds(node["periodSeconds"].integer(1, whole_seconds(hpa::kLongestPeriod)));
  return policy;
}

hpa::Rules read_rules(const YamlNode& node, hpa::Rules rules) {
  if (!node.given()) return rules;
  const std::string select = node["selectPolicy"].text_or("Max");
  if (select != "Max" && select != "Min" && select != "Disabled") {
    node["selectPolicy"].refuse(fmt::format("is {}, which must be Max, Min or Disabled", select));
  }
  rules.select = select == "Max" ? hpa::Select::max : select == "Min" ? hpa::Select::min : hpa::Select::disabled;
  if (const auto policies = node["policies"].items(); !policies.empty()) {
    rules.policies.clear();
    for (const YamlNode& policy : policies) rules.policies.push_back(read_policy(policy));
  }
  if (const YamlNode window = node["stabilizationWindowSeconds"]; window.given()) {
    rules.stabilization = std::chrono::seconds(window.integer(0, whole_seconds(hpa::kLongestStabilization)));
  }
  if (const YamlNode tolerance = node["tolerance"]; tolerance.given()) {
    const auto value = parse_quantity(tolerance.text());
    if (!value || *value < 0) tolerance.refuse(fmt::format("is {}, which must be 0 or more", tolerance.text()));
    rules.tolerance = static_cast<double>(*value) / 1000;
  }
  return rules;
}

// Without metrics Kubernetes takes the CPU at 80 %.
std::vector<hpa::Metric> read_metrics(const YamlNode& list, std::vector<Skipped>& skipped) {
  std::vector<hpa::Metric> metrics;
  for (const YamlNode& item : list.items()) metrics.push_back(read_metric(item, skipped));
  if (metrics.empty()) {
    metrics.push_back({hpa::Metric::Type::resource, "cpu", hpa::Metric::Target::utilization, 80});
  }
  return metrics;
}

}  // namespace

Autoscaler read_autoscaler(const YamlNode& object, std::vector<Skipped>& skipped) {
  Autoscaler autoscaler;
  const YamlNode spec = object["spec"], target = spec["scaleTargetRef"];
  autoscaler.name = object["metadata"]["name"].text();
  if (object["apiVersion"].text_or("") != "autoscaling/v2") object["apiVersion"].refuse("must be autoscaling/v2");
  check_autoscaler_keys(spec, skipped);
  if (target["kind"].text() != "Deployment") target["kind"].refuse("must be Deployment here");
  autoscaler.deployment = target["name"].text();
  autoscaler.spec.min = static_cast<int>(spec["minReplicas"].integer_or(1, 1));
  autoscaler.spec.max = static_cast<int>(spec["maxReplicas"].integer(1));
  autoscaler.min_place = spec["minReplicas"].place();
  autoscaler.max_place = spec["maxReplicas"].place();
  if (autoscaler.spec.max < autoscaler.spec.min) {
    spec["maxReplicas"].refuse(
        fmt::format("is {}, less than minReplicas, {}", autoscaler.spec.max, autoscaler.spec.min));
  }
  autoscaler.spec.metrics = read_metrics(spec["metrics"], skipped);
  if (const YamlNode behavior = spec["behavior"]; behavior.given()) {
    autoscaler.spec.behavior = hpa::Behavior{read_rules(behavior["scaleUp"], hpa::default_up()),
                                             read_rules(behavior["scaleDown"], hpa::default_down())};
  }
  return autoscaler;
}

}  // namespace lgen::kube
