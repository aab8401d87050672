// gRPC core makes a channel of any service config, refuses the wrong ones inside, and keeps its reasons to itself. So
// what a config is made of is checked here, by tables; values whose rules are gRPC's own (policies for load balancing)
// are tried on a channel that is never connected. Keys that gRPC does not know it passes over; most often they are
// misspelt, so they are refused.
#include "service_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <vector>

#include "lgen/units.h"

namespace lgen {
namespace {

using Json = nlohmann::json;

enum class Kind { string, boolean, number, duration, list, object, objects };  // objects: a list of them

struct Member {
  std::string_view name;
  Kind kind;
  std::span<const Member> inside = {};  // of the object, or of each of the objects
};

constexpr Member kName[] = {{"service", Kind::string}, {"method", Kind::string}};
constexpr Member kRetryPolicy[] = {{"maxAttempts", Kind::number},        {"initialBackoff", Kind::duration},
                                   {"maxBackoff", Kind::duration},       {"backoffMultiplier", Kind::number},
                                   {"retryableStatusCodes", Kind::list}, {"perAttemptRecvTimeout", Kind::duration}};
constexpr Member kMethodConfig[] = {{"name", Kind::objects, kName},
                                    {"waitForReady", Kind::boolean},
                                    {"timeout", Kind::duration},
                                    {"maxRequestMessageBytes", Kind::number},
                                    {"maxResponseMessageBytes", Kind::number},
                                    {"retryPolicy", Kind::object, kRetryPolicy}};
constexpr Member kThrottling[] = {{"maxTokens", Kind::number}, {"tokenRatio", Kind::number}};
constexpr Member kHealthCheck[] = {{"serviceName", Kind::string}};
constexpr Member kConfig[] = {{"loadBalancingPolicy", Kind::string},
                              {"loadBalancingConfig", Kind::list},
                              {"methodConfig", Kind::objects, kMethodConfig},
                              {"retryThrottling", Kind::object, kThrottling},
                              {"healthCheckConfig", Kind::object, kHealthCheck}};

Error wrong(std::string_view path, std::string_view what) {
  const std::string_view dot = path.starts_with('.') ? path.substr(1) : path;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("service_config: {}{}{}", dot, dot.empty() ? "" : ": ", what));
}

std::string shown(const Json& json) {
  constexpr std::size_t kShown = 40;
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > kShown ? text.substr(0, kShown) + "..." : text;
}

/// "0.1s", as protobuf's JSON has it.
bool is_duration(const Json& json) {
  if (!json.is_string()) return false;
  const auto& text = json.get_ref<const std::string&>();
  const auto digits = [](std::string_view part) {
    return std::all_of(part.begin(), part.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  if (text.size() < 2 || text.back() != 's') return false;
  const std::string_view number = std::string_view(text).substr(0, text.size() - 1);
  const std::size_t dot = std::min(number.find('.'), number.size());
  return dot > 0 && digits(number.substr(0, dot)) && (dot == number.size() || digits(number.substr(dot + 1)));
}

/// What is wanted there, or nothing when `json` is of that kind.
std::string_view mismatch(Kind kind, const Json& json) {
  switch (kind) {
    case Kind::string:
      return json.is_string() ? "" : "string";
    case Kind::boolean:
      return json.is_boolean() ? "" : "true or false";
    case Kind::number:  // protobuf's JSON has large ones as strings
      return json.is_number() || json.is_string() ? "" : "number";
    case Kind::duration:
      return is_duration(json) ? "" : "a duration such as \"0.5s\"";
    case Kind::list:
    case Kind::objects:
      return json.is_array() ? "" : "list";
    case Kind::object:
      break;
  }
  return json.is_object() ? "" : "object";
}

Error unknown_key(std::string_view path, std::string_view key, std::span<const Member> members) {
  if (key == "hedgingPolicy") {
    return make_error(ErrorCode::invalid_argument,
                      "service_config asks for hedgingPolicy, which gRPC core 1.51 does not have; remove it");
  }
  std::vector<std::string_view> names;
  for (const Member& member : members) names.push_back(member.name);
  const std::string_view guess = did_you_mean(key, names);
  return wrong(path, guess.empty() ? fmt::format("unknown key '{}' (there are: {})", key, fmt::join(names, ", "))
                                   : fmt::format("unknown key '{}' (did you mean '{}'?)", key, guess));
}

Outcome check_object(const std::string& path, const Json& json, std::span<const Member> members);

Outcome check_member(const std::string& path, const Json& json, const Member& member) {
  if (const auto wanted = mismatch(member.kind, json); !wanted.empty()) {
    return wrong(path, fmt::format("{} expected, got {}", wanted, shown(json)));
  }
  if (member.kind == Kind::object) return check_object(path, json, member.inside);
  if (member.kind != Kind::objects) return Done{};
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string item = fmt::format("{}[{}]", path, i + 1);
    if (!json[i].is_object()) return wrong(item, "object expected, got " + shown(json[i]));
    if (const Outcome sound = check_object(item, json[i], member.inside); !sound) return sound;
  }
  return Done{};
}

Outcome check_object(const std::string& path, const Json& json, std::span<const Member> members) {
  for (const auto& [key, value] : json.items()) {
    const auto member = std::find_if(members.begin(), members.end(), [&, &k = key](auto& m) { return m.name == k; });
    if (member == members.end()) return unknown_key(path, key, members);
    if (const Outcome sound = check_member(fmt::format("{}.{}", path, key), value, *member); !sound) return sound;
  }
  return Done{};
}

/// gRPC's own word, which is yes or no: the channel of a config it refuses has failed from the start.
bool grpc_takes(const std::string& text) {
  grpc_arg arg{};
  arg.type = GRPC_ARG_STRING;
  arg.key = const_cast<char*>(GRPC_ARG_SERVICE_CONFIG);
  arg.value.string = const_cast<char*>(text.c_str());
  const grpc_channel_args args{1, &arg};
  grpc_init();
  grpc_channel_credentials* insecure = grpc_insecure_credentials_create();
  grpc_channel* channel = grpc_channel_create("ipv4:127.0.0.1:1", insecure, &args);
  const bool taken = grpc_channel_check_connectivity_state(channel, 0) == GRPC_CHANNEL_IDLE;
  grpc_channel_destroy(channel);
  grpc_channel_credentials_release(insecure);
  grpc_shutdown();
  return taken;
}

}  // namespace

Outcome check_service_config(const std::string& text) {
  if (text.empty()) return Done{};
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) {
    return make_error(ErrorCode::invalid_argument, "service_config is not valid JSON: " + text.substr(0, 80));
  }
  if (!json.is_object()) return wrong("", "object expected, got " + shown(json));
  if (const Outcome sound = check_object("", json, kConfig); !sound) return sound;
  if (grpc_takes(text)) return Done{};
  return wrong("",
               "gRPC refuses it, without saying why: look at loadBalancingConfig (is the policy known?), retryPolicy "
               "(maxAttempts from 2, all of initialBackoff, maxBackoff, backoffMultiplier above 0, "
               "retryableStatusCodes not empty) and names given twice");
}

}  // namespace lgen
