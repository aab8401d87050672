#include "arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>

#include "lgen/units.h"

namespace lgen::cli {
namespace {

using Json = nlohmann::json;

/// Where CLI11 puts the values of one engine option.
struct Slot {
  const EngineOption* option;
  CLI::Option* parsed;
  std::vector<std::string> values;
};

std::string flag_of(const EngineOption& option) { return fmt::format("--{}", option.name); }

/// "--trace", "--trace=5" (never "--trace 5": the 5 could be the plan), "--tls", "--target X".
void declare(CLI::App& app, Slot& slot) {
  const std::string flag = flag_of(*slot.option);
  const bool may_have_value = slot.option->value.starts_with('[') && slot.option->value.ends_with(']');
  if (slot.option->value.empty() || may_have_value) {
    slot.parsed = app.add_flag(flag, slot.values);
  } else {
    slot.parsed = app.add_option(flag, slot.values)->allow_extra_args(false);
    slot.parsed->multi_option_policy(slot.option->repeatable ? CLI::MultiOptionPolicy::TakeAll
                                                             : CLI::MultiOptionPolicy::TakeLast);
  }
}

/// A flag without value reads "true" in CLI11; the options that may have a value take that as "alone".
std::vector<std::string> values_of(const Slot& slot) {
  std::vector<std::string> values = slot.values;
  if (slot.option->value.starts_with('[') && slot.option->value.ends_with(']')) {
    std::replace(values.begin(), values.end(), std::string("true"), std::string());
  }
  return values;
}

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

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
    std::vector<std::string> values;
    if (value.is_array()) {
      for (const Json& item : value) values.push_back(text_of(item));
    } else {
      values.push_back(text_of(value));
    }
    if (const Outcome set = options.set(OptionLayer::config, name, std::move(values), "--config " + path); !set) {
      return set;
    }
  }
  return Done{};
}

/// {scenarios: {hello: {vus: 5}}} says the same as --vus hello=5.
Outcome apply_scenarios(const Json& scenarios, const std::string& path, EngineOptions& options) {
  std::map<std::string, std::vector<std::string>> by_field;
  for (const auto& [scenario, fields] : scenarios.items()) {
    if (!fields.is_object()) return usage(fmt::format("--config: {}: scenarios.{} must be an object", path, scenario));
    for (const auto& [field, value] : fields.items()) {
      if (field != "vus" && field != "duration" && field != "iterations") {
        return usage(
            fmt::format("--config: {}: scenarios.{}.{}: there are vus, duration, iterations", path, scenario, field));
      }
      by_field[field].push_back(fmt::format("{}={}", scenario, text_of(value)));
    }
  }
  for (auto& [field, values] : by_field) {
    if (const Outcome set = options.set(OptionLayer::config, field, std::move(values), "--config " + path); !set) {
      return set;
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
    arguments.config_options.emplace_back(name, text_of(value));
  }
  return Done{};
}

}  // namespace

Result<Arguments> parse_arguments(std::vector<std::string> args) {
  CLI::App app;
  Arguments arguments;
  std::deque<Slot> slots;  // their addresses stay
  app.set_help_flag("");
  app.allow_extras();
  app.add_flag("-h,--help", arguments.help);
  app.add_option("plan", arguments.plan);
  for (const EngineOption& option : engine_options()) declare(app, slots.emplace_back(Slot{&option, nullptr, {}}));
  try {
    std::reverse(args.begin(), args.end());  // CLI11 takes them from the back
    app.parse(args);
  } catch (const CLI::ParseError& e) {
    return usage(e.what());
  }
  arguments.plan_args = app.remaining();
  for (const Slot& slot : slots) {
    if (slot.parsed->count() == 0) continue;
    const Outcome set =
        arguments.options.set(OptionLayer::flags, slot.option->name, values_of(slot), flag_of(*slot.option));
    if (!set) return set.error();
    if (slot.option->name != "config") continue;
    if (const Outcome read = apply_config(slot.values.back(), arguments); !read) return read.error();
  }
  if (const Outcome environment = arguments.options.read_environment(); !environment) return environment.error();
  return arguments;
}

}  // namespace lgen::cli
