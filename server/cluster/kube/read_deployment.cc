#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "known_keys.h"
#include "read_kinds.h"

namespace lgen::kube {

namespace {

constexpr const char* kProgram = "lgen-server";

Amount read_amount(const YamlNode& node) {
  if (!node.given()) return {};
  const std::string text = node.text();
  if (!text.ends_with('%')) return {static_cast<int>(node.integer(0)), false};
  const std::string digits = text.substr(0, text.size() - 1);
  if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string::npos) {
    node.refuse(fmt::format("is {}, which is neither a number nor a percentage", text));
  }
  return {std::stoi(digits), true};
}

Strategy read_strategy(const YamlNode& node) {
  Strategy strategy;
  const std::string type = node["type"].text_or("RollingUpdate");
  if (type != "RollingUpdate" && type != "Recreate") node["type"].refuse("must be RollingUpdate or Recreate");
  strategy.recreate = type == "Recreate";
  const YamlNode rolling = node["rollingUpdate"];
  strategy.max_surge = read_amount(rolling["maxSurge"]);
  strategy.max_unavailable = read_amount(rolling["maxUnavailable"]);
  if (strategy.max_unavailable.percent && strategy.max_unavailable.value > 100) {
    rolling["maxUnavailable"].refuse("must be 100% at most");
  }
  if (strategy.max_surge.value == 0 && strategy.max_unavailable.value == 0) {
    rolling["maxUnavailable"].refuse("must not be 0 when maxSurge is 0: no pod could ever be replaced");
  }
  return strategy;
}

std::vector<Port> read_ports(const YamlNode& list) {
  std::vector<Port> ports;
  for (const YamlNode& item : list.items()) {
    ports.push_back({item["name"].text_or(""), static_cast<std::uint16_t>(item["containerPort"].integer(1, 65535))});
  }
  return ports;
}

std::vector<EnvVar> read_env(const YamlNode& list) {
  std::vector<EnvVar> env;
  for (const YamlNode& item : list.items()) {
    env.push_back(
        {item["name"].text(), item["value"].text_or(""), item["valueFrom"]["fieldRef"]["fieldPath"].text_or("")});
  }
  return env;
}

// "registry.example/lgen/lgen-server:v1@sha256:..." is an lgen-server's.
std::string image_name(const std::string& image) {
  const std::string last = image.substr(image.rfind('/') + 1);
  return last.substr(0, last.find_first_of(":@"));
}

bool runs_server(const YamlNode& container) {
  const auto command = container["command"].strings();
  if (!command.empty()) return std::filesystem::path(command.front()).filename() == kProgram;
  return image_name(container["image"].text_or(kProgram)) == kProgram;
}

void read_container(const YamlNode& container, PodTemplate& pod) {
  pod.container = container["name"].text();
  pod.image = container["image"].text_or("");
  pod.args = container["args"].strings();
  if (const auto command = container["command"].strings(); command.size() > 1) {
    pod.args.insert(pod.args.begin(), command.begin() + 1, command.end());
  }
  pod.env = read_env(container["env"]);
  pod.ports = read_ports(container["ports"]);
  // A limit without a request is the request, too.
  const YamlNode request = container["resources"]["requests"]["cpu"], limit = container["resources"]["limits"]["cpu"];
  if (request.given() || limit.given()) pod.cpu_request = (request.given() ? request : limit).quantity();
  if (limit.given() && pod.cpu_request > limit.quantity()) request.refuse("is more than the limit");
  const auto probe = [&](const char* key, bool may_repeat) -> std::optional<Probe> {
    if (!container[key].given()) return std::nullopt;
    return read_probe(container[key], pod.ports, may_repeat);
  };
  pod.startup = probe("startupProbe", false);
  pod.readiness = probe("readinessProbe", true);
  pod.liveness = probe("livenessProbe", false);
  pod.pre_stop = read_pre_stop(container["lifecycle"]["preStop"], pod.ports, pod.grace);
}

// The container that is lgen-server, if there is one; others are named and left out.
std::optional<YamlNode> find_server(const YamlNode& list, std::vector<Skipped>& skipped) {
  std::optional<YamlNode> server;
  for (const YamlNode& container : list.items()) {
    if (!server && runs_server(container)) {
      server = container;
    } else {
      skipped.push_back({"container", container["name"].text_or(""), container.where(),
                         "lgen-cluster runs one container of a pod, whose image or command is lgen-server"});
    }
  }
  return server;
}

void check_selector(const YamlNode& spec, const PodTemplate& pod) {
  for (const auto& [key, value] : spec["selector"]["matchLabels"].string_map()) {
    const auto label = pod.labels.find(key);
    if (label == pod.labels.end() || label->second != value) {
      spec["selector"]["matchLabels"].refuse(
          fmt::format("asks for {}={}, which the template's labels do not have", key, value));
    }
  }
}

}  // namespace

std::optional<Deployment> read_deployment(const YamlNode& object, std::vector<Skipped>& skipped) {
  Deployment deployment;
  const YamlNode spec = object["spec"], pod = spec["template"]["spec"];
  deployment.name = object["metadata"]["name"].text();
  if (object["apiVersion"].text_or("apps/v1") != "apps/v1") object["apiVersion"].refuse("must be apps/v1");
  if (pod["containers"].items().empty()) pod["containers"].refuse("is missing");
  const auto server = find_server(pod["containers"], skipped);
  if (!server) return std::nullopt;
  check_deployment_keys(spec, *server, skipped);
  deployment.replicas_place = spec["replicas"].place();
  deployment.replicas_given = spec["replicas"].given();
  deployment.replicas = static_cast<int>(spec["replicas"].integer_or(1, 0));
  deployment.strategy = read_strategy(spec["strategy"]);
  deployment.min_ready = spec["minReadySeconds"].seconds_or(0, 0);
  deployment.pod.labels = spec["template"]["metadata"]["labels"].string_map();
  deployment.pod.grace = pod["terminationGracePeriodSeconds"].seconds_or(30, 0);
  read_container(*server, deployment.pod);
  check_selector(spec, deployment.pod);
  return deployment;
}

}  // namespace lgen::kube
