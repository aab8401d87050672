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

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

const EngineOption* find_engine_option(std::string_view name) {
  const auto options = engine_options();
  const auto at = std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.name == name; });
  return at == options.end() ? nullptr : &*at;
}

bool may_have_value(const EngineOption& option) { return option.value.starts_with('[') && option.value.ends_with(']'); }
bool needs_value(const EngineOption& option) { return !option.value.empty() && !may_have_value(option); }

/// Options in front of the plan can only be the engine's: the plan that might declare others is not known yet.
Error unknown_before_plan(std::string_view name) {
  std::vector<std::string_view> names;
  for (const EngineOption& option : engine_options()) names.push_back(option.name);
  const std::string_view guess = did_you_mean(name, names);
  return usage(fmt::format("unknown option --{}{}; options of a plan come after the plan", name,
                           guess.empty() ? "" : fmt::format(" (did you mean '--{}'?)", guess)));
}

/// Checks the words up to the plan, and that no option of the engine lacks its value.
Outcome check_words(const std::vector<std::string>& args) {
  bool plan_seen = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& word = args[i];
    if (!word.starts_with("--")) {
      plan_seen = plan_seen || !word.starts_with('-');
      continue;
    }
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const EngineOption* option = find_engine_option(name);
    if (!option && !plan_seen && name != "help") return unknown_before_plan(name);
    if (!option || equals != std::string::npos || !needs_value(*option)) continue;
    if (++i == args.size()) return usage(fmt::format("--{}: its value is missing: {}", name, option->value));
  }
  return Done{};
}

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
  if (!needs_value(*slot.option)) {
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
  if (may_have_value(*slot.option)) {
    std::replace(values.begin(), values.end(), std::string("true"), std::string());
  }
  return values;
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
      const auto text = text_of(value, fmt::format("--config {}: scenarios.{}.{}", path, scenario, field));
      if (!text) return text.error();
      by_field[field].push_back(fmt::format("{}={}", scenario, *text));
    }
  }
  for (auto& [field, values] : by_field) options.add(OptionLayer::config, field, std::move(values));
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

Result<Arguments> parse_arguments(std::vector<std::string> args) {
  if (const Outcome words = check_words(args); !words) return words.error();
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
  }
  if (const Outcome environment = arguments.options.read_environment(); !environment) return environment.error();
  if (const std::string config = arguments.options.text("config"); !config.empty()) {
    if (const Outcome read = apply_config(config, arguments); !read) return read.error();
  }
  return arguments;
}

}  // namespace lgen::cli
