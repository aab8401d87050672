#include "pod_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace lgen::kube {

namespace {

constexpr std::array<std::string_view, 6> kScaled = {"--max-connection-age", "--max-connection-age-grace",
                                                     "--startup-delay",      "--first-request-delay",
                                                     "--drain-delay",        "--shutdown-grace"};
constexpr std::uint16_t kMetricsPort = 9464;

struct Flag {
  std::string name;
  std::optional<std::string> value;
};

// "--a=1 --b 2 --c" as {a,1} {b,2} {c}: what does not begin with a dash belongs to the flag before it.
std::vector<Flag> parse_flags(const std::vector<std::string>& arguments) {
  std::vector<Flag> flags;
  for (const std::string& argument : arguments) {
    if (!argument.starts_with('-') && !flags.empty() && !flags.back().value) {
      flags.back().value = argument;
      continue;
    }
    const std::size_t equals = argument.find('=');
    if (equals == std::string::npos) {
      flags.push_back({argument, std::nullopt});
    } else {
      flags.push_back({argument.substr(0, equals), argument.substr(equals + 1)});
    }
  }
  return flags;
}

// A number and a unit; anything else is left for lgen-server to refuse.
std::string scaled(const std::string& duration, double time_scale) {
  char* end = nullptr;
  const double number = std::strtod(duration.c_str(), &end);
  const std::string_view unit = end;
  constexpr std::array<std::pair<std::string_view, double>, 5> kUnits = {
      {{"us", 1e-3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"h", 3.6e6}}};
  for (const auto& [name, milliseconds] : kUnits) {
    if (unit == name) return fmt::format("{:.0f}ms", number * milliseconds / time_scale);
  }
  return duration;
}

// Of "metadata.labels['KEY']".
std::string label_of(std::string_view field, const PodTemplate& spec, const PodIdentity& pod) {
  constexpr std::string_view kBegin = "metadata.labels['", kEnd = "']";
  if (!field.starts_with(kBegin) || !field.ends_with(kEnd) || field.size() <= kBegin.size() + kEnd.size()) return "";
  const std::string key(field.substr(kBegin.size(), field.size() - kBegin.size() - kEnd.size()));
  if (key == "pod-template-hash") return pod.template_hash;
  const auto label = spec.labels.find(key);
  return label == spec.labels.end() ? "" : label->second;
}

std::string value_of(const EnvVar& variable, const PodTemplate& spec, const PodIdentity& pod) {
  if (variable.field.empty()) return variable.value;
  if (variable.field == "metadata.name") return pod.name;
  if (variable.field == "metadata.namespace") return "default";
  if (variable.field == "status.podIP" || variable.field == "status.hostIP") return pod.ip;
  if (variable.field == "spec.nodeName") return "localhost";
  return label_of(variable.field, spec, pod);
}

// $(NAME) of a variable that is there; $$ is a dollar.
std::string expanded(const std::string& text, const PodTemplate& spec, const PodIdentity& pod) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::size_t end = text.compare(i, 2, "$(") == 0 ? text.find(')', i) : std::string::npos;
    const auto variable = std::find_if(spec.env.begin(), spec.env.end(), [&](const EnvVar& one) {
      return end != std::string::npos && one.name == text.substr(i + 2, end - i - 2);
    });
    if (text.compare(i, 2, "$$") == 0) {
      result += text[++i];
    } else if (variable != spec.env.end()) {
      result += value_of(*variable, spec, pod);
      i = end;
    } else {
      result += text[i];
    }
  }
  return result;
}

}  // namespace

std::vector<std::string> pod_arguments(const PodTemplate& spec, const PodIdentity& pod, const Surroundings& around) {
  std::vector<std::string> given, arguments;
  for (const std::string& argument : spec.args) given.push_back(expanded(argument, spec, pod));
  for (const Flag& flag : parse_flags(given)) {
    arguments.push_back(flag.name);
    if (!flag.value) continue;
    const bool scale = around.time_scale != 1 && std::find(kScaled.begin(), kScaled.end(), flag.name) != kScaled.end();
    arguments.back() +=
        "=" + (scale ? scaled(*flag.value, around.time_scale) : localized(*flag.value, around.services, around.dns));
  }
  // lgen-server takes the last of a flag.
  arguments.insert(arguments.end(), around.extra_flags.begin(), around.extra_flags.end());
  arguments.insert(arguments.end(), {"--bind", pod.ip, "--pod", pod.name});
  if (!pod.zone.empty()) arguments.insert(arguments.end(), {"--zone", pod.zone});
  return arguments;
}

std::vector<std::string> pod_environment(const PodTemplate& spec, const PodIdentity& pod) {
  std::vector<std::string> environment;
  for (const EnvVar& variable : spec.env) environment.push_back(variable.name + "=" + value_of(variable, spec, pod));
  return environment;
}

std::uint16_t metrics_port(const PodTemplate& spec) {
  for (const Port& port : spec.ports) {
    if (port.name.find("metrics") != std::string::npos) return port.number;
  }
  for (const Flag& flag : parse_flags(spec.args)) {
    const int port = flag.name == "--metrics-port" ? std::atoi(flag.value.value_or("").c_str()) : 0;
    if (port > 0) return static_cast<std::uint16_t>(port);
  }
  return kMetricsPort;
}

std::uint16_t target_port(const PodTemplate& spec, const std::string& target) {
  for (const Port& port : spec.ports) {
    if (port.name == target) return port.number;
  }
  return static_cast<std::uint16_t>(std::atoi(target.c_str()));
}

}  // namespace lgen::kube
