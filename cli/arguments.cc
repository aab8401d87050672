#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace lgen::cli {
namespace {

using Json = nlohmann::json;

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

/// A value of the config file as the flag's text.
Result<std::string> text_of(const Json& value, const std::string& where) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean() || value.is_number()) return value.dump();
  return usage(fmt::format("{}: a string, a number, true or false is expected, got {}", where, value.dump()));
}

/// The same, of one value or of a list of them.
Result<std::vector<std::string>> texts_of(const Json& value, const std::string& where) {
  std::vector<std::string> texts;
  for (const Json& item : value.is_array() ? value : Json::array({value})) {
    auto text = text_of(item, where);
    if (!text) return text.error();
    texts.push_back(std::move(*text));
  }
  return texts;
}

Result<Json> read_config(const std::string& path) {
  std::ifstream file(path);
  if (!file) return usage(fmt::format("--config: cannot read {}: {}", path, std::strerror(errno)));
  try {
    Json config = Json::parse(file);
    if (!config.is_object()) return usage(fmt::format("--config: {}: an object {{...}} is expected", path));
    for (const auto& [key, value] : config.items()) {
      if (key != "engine" && key != "options" && key != "scenarios") {
        return usage(fmt::format("--config: {}: unknown key '{}'; there are engine, options, scenarios", path, key));
      }
      if (!value.is_object()) return usage(fmt::format("--config: {}: '{}' must be an object", path, key));
    }
    return config;
  } catch (const Json::exception& e) {
    return usage(fmt::format("--config: {}: {}", path, e.what()));
  }
}

Outcome apply_engine(const Json& engine, const std::string& path, EngineOptions& options) {
  for (const auto& [name, value] : engine.items()) {
    const std::string where = fmt::format("--config {}: engine.{}", path, name);
    if (name == "config") return usage(where + ": a config file names no other one");
    auto values = texts_of(value, where);
    if (!values) return values.error();
    const Outcome set = options.set(OptionLayer::config, name, std::move(*values), "--config " + path);
    if (!set) return set;
  }
  return Done{};
}

/// The option that says the same as a field of a load, max_vus or max-vus; "": there is none.
std::string option_of(std::string field) {
  std::replace(field.begin(), field.end(), '_', '-');
  const auto options = load_fields();
  return std::find(options.begin(), options.end(), field) != options.end() ? field : "";
}

/// {scenarios: {hello: {vus: 5}}} says the same as --vus hello=5.
Outcome apply_scenarios(const Json& scenarios, const std::string& path, EngineOptions& options) {
  for (const auto& [scenario, fields] : scenarios.items()) {
    if (!fields.is_object()) return usage(fmt::format("--config: {}: scenarios.{} must be an object", path, scenario));
    for (const auto& [field, value] : fields.items()) {
      const std::string option = option_of(field);
      if (option.empty()) {
        return usage(fmt::format("--config: {}: scenarios.{}.{}: there are {}", path, scenario, field,
                                 fmt::join(load_fields(), ", ")));
      }
      const std::string where = fmt::format("{}: scenarios.{}.{}", path, scenario, field);
      const auto text = text_of(value, "--config " + where);
      if (!text) return text.error();
      options.override_load({scenario, option, *text, where});
    }
  }
  return Done{};
}

Outcome apply_config(const std::string& path, Arguments& arguments) {
  const auto config = read_config(path);
  if (!config) return config.error();
  if (const Outcome ok = apply_engine(config->value("engine", Json::object()), path, arguments.options); !ok) return ok;
  if (const Outcome ok = apply_scenarios(config->value("scenarios", Json::object()), path, arguments.options); !ok) {
    return ok;
  }
  const Json options = config->value("options", Json::object());
  for (const auto& [name, value] : options.items()) {
    const auto texts = texts_of(value, fmt::format("--config {}: options.{}", path, name));
    if (!texts) return texts.error();
    arguments.config_options.emplace_back(name, fmt::format("{}", fmt::join(*texts, ",")));
  }
  return Done{};
}

}  // namespace

Result<Arguments> arguments_of(const Words& words) {
  Arguments arguments;
  if (!words.operands.empty()) arguments.plan = words.operands.front();
  arguments.plan_args = words.rest;
  for (const auto& [name, values] : words.options) {
    const Outcome set = arguments.options.set(OptionLayer::flags, name, values, "--" + name);
    if (!set) return set.error();
  }
  if (const Outcome environment = arguments.options.read_environment(); !environment) return environment.error();
  if (const std::string config = arguments.options.text("config"); !config.empty()) {
    if (const Outcome read = apply_config(config, arguments); !read) return read.error();
  }
  return arguments;
}

}  // namespace lgen::cli
