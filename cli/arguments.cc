#include "arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "lgen/json_problem.h"
#include "lgen/units.h"
#include "text_file.h"

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
  const auto text = read_text_file(path);
  if (!text) return usage("--config: " + text.error().message);
  if (const auto problem = json_problem(*text)) {
    return usage(fmt::format("--config: {}:{}:{}: {}", path, problem->line, problem->column, problem->words));
  }
  Json config = Json::parse(*text);
  if (!config.is_object()) return usage(fmt::format("--config: {}: an object {{...}} is expected", path));
  for (const auto& [key, value] : config.items()) {
    if (key != "engine" && key != "options" && key != "scenarios") {
      return usage(fmt::format("--config: {}: unknown key '{}'; there are engine, options, scenarios", path, key));
    }
    if (!value.is_object()) return usage(fmt::format("--config: {}: '{}' must be an object", path, key));
  }
  return config;
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

/// "; there are vus, ..., max_vus", or what was meant.
std::string known_fields(const std::string& field) {
  std::vector<std::string> names;
  for (const std::string_view name : scenario_fields()) {
    std::replace_copy(name.begin(), name.end(), std::back_inserter(names.emplace_back()), '-', '_');
  }
  const std::string_view guess = did_you_mean(field, names);
  return guess.empty() ? fmt::format("there are {}", fmt::join(names, ", "))
                       : fmt::format("there is no such field (did you mean '{}'?)", guess);
}

/// ["30s", 10] or {"duration": "30s", "target": 10} -> "30s:10".
Result<std::string> stage_text(const Json& stage, const std::string& where) {
  const bool pair = stage.is_array() && stage.size() == 2;
  const bool named = stage.is_object() && stage.size() == 2 && stage.contains("duration") && stage.contains("target");
  if (!pair && !named) return usage(fmt::format("{}: [duration, target] is expected, got {}", where, stage.dump()));
  const Json &duration = pair ? stage[0] : stage["duration"], &target = pair ? stage[1] : stage["target"];
  if (!target.is_number()) return usage(fmt::format("{}: target: a number is expected, got {}", where, target.dump()));
  const auto text = text_of(duration, where + ": duration");
  if (!text) return text.error();
  if (const auto parsed = parse_duration(*text); !parsed) {
    return usage(fmt::format("{}: duration: {}", where, parsed.error().message));
  }
  return fmt::format("{}:{}", *text, target.dump());
}

/// A field's value as its flag would say it; a list of stages as an option of type stages does, "30s:10,1m:50".
Result<std::string> field_text(const Json& value, std::string_view field, const std::string& where) {
  if (field != "stages" || !value.is_array()) return text_of(value, where);
  std::vector<std::string> stages;
  for (const Json& stage : value) {
    auto text = stage_text(stage, fmt::format("{}[{}]", where, stages.size() + 1));
    if (!text) return text.error();
    stages.push_back(std::move(*text));
  }
  return fmt::format("{}", fmt::join(stages, ","));
}

/// {scenarios: {hello: {vus: 5}}} says the same as --vus hello=5; some fields have no flag.
Outcome apply_scenarios(const Json& scenarios, const std::string& path, EngineOptions& options) {
  for (const auto& [scenario, fields] : scenarios.items()) {
    if (!fields.is_object()) return usage(fmt::format("--config: {}: scenarios.{} must be an object", path, scenario));
    for (const auto& [field, value] : fields.items()) {
      const std::string where = fmt::format("{}: scenarios.{}.{}", path, scenario, field);
      const std::string known = scenario_field(field);
      if (known.empty()) return usage(fmt::format("--config {}: {}", where, known_fields(field)));
      const auto text = field_text(value, known, "--config " + where);
      if (!text) return text.error();
      options.override_load({scenario, known, *text, where});
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
