#include "plan_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "host.h"
#include "lgen/settings.h"
#include "lgen/units.h"
#include "plan_stop.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr std::array<std::string_view, 13> kTypes = {"string",         "int",    "number",  "bool",    "duration",
                                                     "duration_range", "size",   "bitrate", "address", "url",
                                                     "file",           "choice", "stages"};

const OptionDecl* find_option(const std::vector<OptionDecl>& options, std::string_view name) {
  const auto at = std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.shown.name == name; });
  return at == options.end() ? nullptr : &*at;
}

Error unknown_option(const std::vector<OptionDecl>& options, std::string_view name) {
  std::vector<std::string> names;
  for (const OptionDecl& option : options) names.push_back(option.shown.name);
  for (const OptionRow& option : engine_options()) names.emplace_back(option.name);
  const std::string_view guess = did_you_mean(name, names);
  return make_error(
      ErrorCode::invalid_argument,
      fmt::format("unknown option --{}{}", name,
                  guess.empty() ? "; --help lists what there is" : fmt::format(" (did you mean '--{}'?)", guess)));
}

std::vector<std::string> split_list(const OptionDecl& option, const std::vector<std::string>& texts) {
  if (!option.shown.list) return texts.empty() ? texts : std::vector{texts.back()};
  if (texts.size() == 1 && texts[0].empty()) return {};
  std::vector<std::string> parts;
  for (const std::string& text : texts) {
    std::size_t from = 0;
    for (std::size_t comma; (comma = text.find(',', from)) != std::string::npos; from = comma + 1) {
      parts.push_back(text.substr(from, comma - from));
    }
    parts.push_back(text.substr(from));
  }
  return parts;
}

std::string field_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string flag_name(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

/// What is wrong with a value, without the flag's name in front.
std::string reason_of(const OptionDecl& option, const Error& error) {
  return error.message.substr(option.shown.name.size() + std::string_view("--: ").size());
}

/// Raises unless `index` is a table with the keys 1..n.
void check_list(lua_State* L, int index, std::string_view what) {
  check_table(L, index, what);
  std::size_t entries = 0;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    ++entries;
    if (lua_type(L, -1) == LUA_TNUMBER) continue;
    raise(L, fmt::format("{}: a list of declarations expected, got the key {}; write {{{{name, type, ...}}, ...}}",
                         what, describe(L, -1)));
  }
  if (entries != lua_objlen(L, index)) raise(L, fmt::format("{}: the list has holes", what));
}

/// Pushes the value of an option made of `texts` (a list where declared so).
Outcome push_option(lua_State* L, const OptionDecl& option, const std::vector<std::string>& texts) {
  if (!option.shown.list) return push_option_value(L, option, texts.back());
  lua_newtable(L);
  int i = 0;
  for (const std::string& text : split_list(option, texts)) {
    if (const Outcome pushed = push_option_value(L, option, text); !pushed) {
      lua_pop(L, 1);
      return pushed;
    }
    lua_rawseti(L, -2, ++i);
  }
  return Done{};
}

// ---- reading the declaration ----

/// Text of a default: numbers and booleans as written, lists with commas.
std::string default_text(lua_State* L, int index, std::string_view what) {
  if (lua_type(L, index) == LUA_TBOOLEAN) return lua_toboolean(L, index) ? "true" : "false";
  if (lua_type(L, index) == LUA_TNUMBER) return fmt::format("{:.14g}", lua_tonumber(L, index));
  if (lua_type(L, index) == LUA_TSTRING) return std::string(to_view(L, index));
  check_table(L, index, what);
  std::string joined;
  for (int i = 1; i <= static_cast<int>(lua_objlen(L, index)); ++i) {
    lua_rawgeti(L, index, i);
    joined += (i > 1 ? "," : "") + default_text(L, lua_gettop(L), what);
    lua_pop(L, 1);
  }
  return joined;
}

/// {name, type, ...}: the first two may be positional.
std::optional<std::string> positional(lua_State* L, int table, int position, const char* key, std::string_view what) {
  lua_rawgeti(L, table, position);
  std::optional<std::string> value;
  if (!lua_isnil(L, -1)) value = check_string(L, -1, fmt::format("{}: {}", what, key));
  lua_pop(L, 1);
  return value ? value : string_field(L, table, key, what);
}

void check_option_keys(lua_State* L, int table, std::string_view what) {
  lua_newtable(L);
  lua_pushnil(L);
  while (lua_next(L, table)) {
    const bool is_position = lua_type(L, -2) == LUA_TNUMBER && (lua_tonumber(L, -2) == 1 || lua_tonumber(L, -2) == 2);
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    is_position ? lua_pop(L, 2) : lua_rawset(L, -4);
  }
  check_keys(L, -1, what, kOptionKeys);
  lua_pop(L, 1);
}

/// Raises at the plan's line, not at the user who has said nothing.
void check_default(lua_State* L, const OptionDecl& option, std::string_view what) {
  if (!option.shown.fallback) return;
  const Outcome fits = push_option(L, option, {*option.shown.fallback});
  if (!fits) raise(L, fmt::format("{}: default: {}", what, reason_of(option, fits.error())));
  lua_pop(L, 1);
}

OptionDecl read_declaration(lua_State* L, int table, int number) {
  const std::string entry = fmt::format("lgen.options[{}]", number);
  check_table(L, table, entry);
  check_option_keys(L, table, entry);
  OptionDecl option;
  const auto name = positional(L, table, 1, "name", entry);
  if (!name || name->empty()) raise(L, fmt::format("{}: name is missing", entry));
  option.shown.name = flag_name(*name);
  const std::string what = fmt::format("lgen.options '{}'", *name);
  if (is_engine_option(option.shown.name)) {
    raise(L, fmt::format("{}: the engine has an option of that name; choose another one", what));
  }
  option.shown.type = positional(L, table, 2, "type", what).value_or("string");
  if (std::find(kTypes.begin(), kTypes.end(), option.shown.type) == kTypes.end()) {
    const std::string_view guess = did_you_mean(option.shown.type, kTypes);
    raise(L, fmt::format("{}: unknown type '{}'{}", what, option.shown.type,
                         guess.empty() ? fmt::format(" (types: {})", fmt::join(kTypes, " "))
                                       : fmt::format(" (did you mean '{}'?)", guess)));
  }
  option.shown.help = string_field(L, table, "help", what).value_or("");
  option.shown.env = string_field(L, table, "env", what).value_or("");
  option.shown.required = boolean_field(L, table, "required", what).value_or(false);
  option.shown.list = boolean_field(L, table, "list", what).value_or(false);
  option.shown.secret = boolean_field(L, table, "secret", what).value_or(false);
  option.shown.choices = string_list_field(L, table, "choices", what);
  if (option.shown.type == "choice" && option.shown.choices.empty()) {
    raise(L, fmt::format("{}: type choice needs choices", what));
  }
  option.min = number_field(L, table, "min", what);
  option.max = number_field(L, table, "max", what);
  if (get_field(L, table, "default")) {
    option.shown.fallback = default_text(L, lua_gettop(L), what);
    lua_pop(L, 1);
  } else if (option.shown.type == "bool") {
    option.shown.fallback = "false";
  }
  check_default(L, option, what);
  return option;
}

/// The texts of an option, and how messages call the place they come from.
struct Given {
  std::vector<std::string> texts;
  std::string where;
};

/// From the strongest place that has it.
Given given_for(const Host& host, const OptionDecl& option,
                const std::map<std::string, std::vector<std::string>>& flags) {
  const std::string as_flag = "--" + option.shown.name;
  if (const auto flag = flags.find(option.shown.name); flag != flags.end()) return {flag->second, as_flag};
  if (!option.shown.env.empty()) {
    if (const char* value = std::getenv(option.shown.env.c_str())) return {{value}, as_flag};
  }
  for (const auto& [name, value] : host.input.config_options) {
    if (flag_name(name) != option.shown.name) continue;
    return {{value}, fmt::format("{}: options.{}", host.input.options.text("config"), name)};
  }
  if (option.shown.fallback) return {{*option.shown.fallback}, as_flag};
  if (option.shown.required && host.input.purpose == PlanPurpose::check) return {{sample_text(option)}, as_flag};
  return {{}, as_flag};
}

/// Reading an undeclared option.
int unknown_value(lua_State* L) {
  const std::string name = lua_type(L, 2) == LUA_TSTRING ? std::string(to_view(L, 2)) : describe(L, 2);
  std::vector<std::string> names;
  lua_pushnil(L);
  while (lua_next(L, lua_upvalueindex(1))) {
    lua_pop(L, 1);
    names.emplace_back(to_view(L, -1));
  }
  if (std::find(names.begin(), names.end(), name) != names.end()) return 0;  // declared, not given
  const std::string_view guess = did_you_mean(name, names);
  raise(L, fmt::format("opt.{}: no such option is declared{}", name,
                       guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
}

/// For the report: the value at the top of the stack where it is one plain number or boolean, else what was written.
Scalar reported_value(lua_State* L, const OptionDecl& option, const std::vector<std::string>& texts) {
  const std::string& type = option.shown.type;
  if (option.shown.secret) return "***";
  if (!option.shown.list && (type == "int" || type == "number")) return lua_tonumber(L, -1);
  if (!option.shown.list && type == "bool") return lua_toboolean(L, -1) != 0;
  return fmt::format("{}", fmt::join(texts, ","));
}

/// A secret is not repeated, however wrong.
std::string what_is_wrong(const OptionDecl& option, std::string_view where, const Error& error) {
  return fmt::format(
      "{}: {}", where,
      option.shown.secret ? fmt::format("what was given is no {}", option.shown.type) : reason_of(option, error));
}

/// Fills the table of values at the top of the stack; raises (as a usage error) on the first that does not fit.
void fill_values(lua_State* L, Host& host, const std::vector<OptionDecl>& options,
                 const std::map<std::string, std::vector<std::string>>& flags) {
  std::vector<std::string> secrets;
  for (const OptionDecl& option : options) {
    const auto [texts, where] = given_for(host, option, flags);
    if (option.shown.secret) {
      for (std::string& text : split_list(option, texts)) secrets.push_back(std::move(text));
    }
    if (texts.empty()) {
      if (option.shown.required) raise_usage(L, bad_option(option, "is required; give it on the command line").message);
      continue;
    }
    if (const Outcome pushed = push_option(L, option, texts); !pushed)
      raise_usage(L, what_is_wrong(option, where, pushed.error()));
    host.decl.option_values.emplace_back(option.shown.name, reported_value(L, option, texts));
    lua_setfield(L, -2, field_name(option.shown.name).c_str());
  }
  for (const std::string& secret : secrets) host.keep_secret(secret);
}

void guard_values(lua_State* L, const std::vector<OptionDecl>& options) {
  lua_createtable(L, 0, 1);
  lua_newtable(L);
  for (const OptionDecl& option : options) {
    lua_pushboolean(L, 1);
    lua_setfield(L, -2, field_name(option.shown.name).c_str());
  }
  lua_pushcclosure(L, unknown_value, 1);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

}  // namespace

Result<std::map<std::string, std::vector<std::string>>> parse_plan_args(const std::vector<OptionDecl>& options,
                                                                        const std::vector<std::string>& args) {
  std::map<std::string, std::vector<std::string>> texts;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& word = args[i];
    if (!word.starts_with("--") || word.size() == 2) {
      return make_error(ErrorCode::invalid_argument,
                        fmt::format("'{}' belongs to no option; options are written --name value", word));
    }
    const std::size_t equals = word.find('=');
    const std::string name = flag_name(word.substr(2, equals == std::string::npos ? equals : equals - 2));
    const OptionDecl* option = find_option(options, name);
    const OptionDecl* negated = name.starts_with("no-") ? find_option(options, name.substr(3)) : nullptr;
    if (!option && negated && negated->shown.type == "bool") {
      texts[negated->shown.name] = {"false"};
      continue;
    }
    if (!option) return unknown_option(options, name);
    std::string value;
    if (equals != std::string::npos) {
      value = word.substr(equals + 1);
    } else if (option->shown.type == "bool") {
      value = "true";
    } else if (i + 1 < args.size()) {
      value = args[++i];
    } else {
      return bad_option(*option, fmt::format("a value of type {} is missing", option->shown.type));
    }
    texts[option->shown.name].push_back(std::move(value));
  }
  return texts;
}

std::string misspelt_engine_option(const PlanInput& input) {
  for (const std::string& word : input.args) {
    if (!word.starts_with("--")) continue;
    const std::string name = word.substr(2, word.find('=') - 2);
    std::vector<std::string_view> names;
    for (const auto& option : engine_options()) names.push_back(option.name);
    if (!did_you_mean(name, names).empty()) return unknown_option({}, name).message;
  }
  return "";
}

Outcome check_options_known(const PlanInput& input, const std::vector<OptionDecl>& options) {
  if (const auto flags = parse_plan_args(options, input.args); !flags) return flags.error();
  for (const auto& [key, value] : input.config_options) {
    const std::string name = flag_name(key);
    if (find_option(options, name)) continue;
    if (!is_engine_option(name))
      return make_error(ErrorCode::invalid_argument, "--config: " + unknown_option(options, name).message);
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("--config: '{}' is an option of the engine; write it under \"engine\"", key));
  }
  return Done{};
}

int declare_options(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.options");
  check_list(L, 1, "lgen.options");
  if (host.decl.options_declared) raise(L, "lgen.options: called twice; declare all options in one list");
  host.decl.options_declared = true;
  std::vector<OptionDecl> options;
  const auto count = static_cast<int>(lua_objlen(L, 1));
  for (int i = 1; i <= count; ++i) {
    lua_rawgeti(L, 1, i);
    options.push_back(read_declaration(L, lua_gettop(L), i));
    lua_pop(L, 1);
    if (find_option(options, options.back().shown.name) != &options.back()) {
      raise(L, fmt::format("lgen.options: '{}' is declared twice", options.back().shown.name));
    }
    host.decl.options.push_back(options.back().shown);
  }
  if (host.input.purpose == PlanPurpose::help) raise_stop_for_help(L);
  if (const Outcome known = check_options_known(host.input, options); !known) raise_usage(L, known.error().message);
  lua_newtable(L);
  fill_values(L, host, options, *parse_plan_args(options, host.input.args));
  guard_values(L, options);
  return 1;
}

}  // namespace lgen::lua
