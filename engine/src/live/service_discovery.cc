#include "service_discovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "lgen/http.h"

namespace lgen {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostPods = 10'000;

Error bad(std::string what) { return make_error(ErrorCode::protocol, std::move(what)); }

/// What a group says of all its targets.
struct Group {
  std::string pod, scheme = "http", path = "/metrics";
  Labels labels;
};

Outcome read_labels(const Json& labels, Group& group) {
  if (!labels.is_object()) return bad("\"labels\" is no object");
  for (const auto& [name, value] : labels.items()) {
    if (!value.is_string()) return bad(fmt::format("label \"{}\" is no string", name));
    const std::string& text = value.get_ref<const std::string&>();
    if (name == "pod") {
      group.pod = text;
    } else if (name == "__scheme__") {
      group.scheme = text;
    } else if (name == "__metrics_path__") {
      group.path = text;
    } else if (!name.starts_with("__") && !text.empty()) {
      group.labels.emplace_back(name, text);
    }
  }
  std::sort(group.labels.begin(), group.labels.end());
  return Done{};
}

Outcome read_group(const Json& json, std::vector<PodAddress>& pods) {
  if (!json.is_object() || !json.contains("targets") || !json["targets"].is_array()) {
    return bad("a group has a list \"targets\"");
  }
  Group group;
  if (json.contains("labels")) {
    if (const Outcome read = read_labels(json["labels"], group); !read) return read;
  }
  const bool one = json["targets"].size() == 1;
  for (const Json& target : json["targets"]) {
    if (!target.is_string()) return bad("a target is a string, \"HOST:PORT\"");
    const std::string& address = target.get_ref<const std::string&>();
    std::string url = fmt::format("{}://{}{}", group.scheme, address, group.path);
    if (const auto parsed = parse_url(url); !parsed) return bad(parsed.error().message);
    if (pods.size() == kMostPods) return bad(fmt::format("more than {} pods", kMostPods));
    pods.push_back({one && !group.pod.empty() ? group.pod : address, group.labels, std::move(url)});
  }
  return Done{};
}

}  // namespace

Result<std::vector<PodAddress>> read_discovery(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return bad("it is no JSON");
  if (!json.is_array()) return bad("it is no list of groups, as Prometheus' HTTP service discovery has it");
  std::vector<PodAddress> pods;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (const Outcome read = read_group(json[i], pods); !read) {
      return bad(fmt::format("group {}: {}", i + 1, read.error().message));
    }
  }
  return pods;
}

}  // namespace lgen
