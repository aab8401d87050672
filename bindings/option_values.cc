// The values of a plan's options: text that is checked by type and becomes a Lua value.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "lgen/units.h"
#include "plan_options.h"
#include "stack.h"
#include "stage_text.h"

namespace lgen::lua {
namespace {

std::optional<double> parse_number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// A bound in the option's own notation: seconds for durations, plain numbers else.
std::string show(const OptionDecl& option, double value) {
  const bool is_time = option.shown.type == "duration" || option.shown.type == "duration_range";
  return is_time ? format_duration(from_seconds(value)) : fmt::format("{:.14g}", value);
}

Outcome check_range(const OptionDecl& option, double value) {
  if (option.min && value < *option.min) {
    return bad_option(option,
                      fmt::format("{} is too small; at least {}", show(option, value), show(option, *option.min)));
  }
  if (option.max && value > *option.max) {
    return bad_option(option,
                      fmt::format("{} is too large; at most {}", show(option, value), show(option, *option.max)));
  }
  return Done{};
}

Outcome push_checked(lua_State* L, const OptionDecl& option, double value) {
  if (const Outcome in_range = check_range(option, value); !in_range) return in_range;
  lua_pushnumber(L, value);
  return Done{};
}

Outcome push_number(lua_State* L, const OptionDecl& option, std::string_view text) {
  const auto value = parse_number(text);
  const bool whole = option.shown.type == "int";
  if (!value || (whole && *value != std::floor(*value))) {
    return bad_option(option, fmt::format("'{}' is no {}number", text, whole ? "whole " : ""));
  }
  return push_checked(L, option, *value);
}

Outcome push_bool(lua_State* L, const OptionDecl& option, std::string_view text) {
  if (text != "true" && text != "false") return bad_option(option, fmt::format("'{}' is neither true nor false", text));
  lua_pushboolean(L, text == "true");
  return Done{};
}

Outcome push_range(lua_State* L, const OptionDecl& option, std::string_view text) {
  const auto range = parse_duration_range(text);
  if (!range) return bad_option(option, range.error().message);
  for (const Duration d : {range->first, range->second}) {
    if (const Outcome in_range = check_range(option, to_seconds(d)); !in_range) return in_range;
  }
  lua_createtable(L, 0, 2);
  lua_pushnumber(L, to_seconds(range->first));
  lua_setfield(L, -2, "min");
  lua_pushnumber(L, to_seconds(range->second));
  lua_setfield(L, -2, "max");
  return Done{};
}

Outcome push_choice(lua_State* L, const OptionDecl& option, std::string_view text) {
  const auto& choices = option.shown.choices;
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    const std::string_view guess = did_you_mean(text, choices);
    return bad_option(option, fmt::format("'{}' is not one of {}{}", text, fmt::join(choices, ", "),
                                          guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
  }
  push(L, text);
  return Done{};
}

Outcome push_address(lua_State* L, const OptionDecl& option, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  const auto port = colon == std::string_view::npos ? std::nullopt : parse_number(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535 || colon == 0) {
    return bad_option(option, fmt::format("'{}' is no address; write HOST:PORT", text));
  }
  push(L, text);
  return Done{};
}

Outcome push_url(lua_State* L, const OptionDecl& option, std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) {
    return bad_option(option, fmt::format("'{}' is no URL; write http://HOST:PORT/PATH", text));
  }
  push(L, text);
  return Done{};
}

Outcome push_stages(lua_State* L, const OptionDecl& option, std::string_view text) {
  const auto stages = parse_stages(text);
  if (!stages) return bad_option(option, stages.error().message);
  lua_createtable(L, static_cast<int>(stages->size()), 0);
  for (int i = 1; const Stage& stage : *stages) {
    lua_createtable(L, 0, 2);
    lua_pushnumber(L, to_seconds(stage.duration));
    lua_setfield(L, -2, "duration");
    lua_pushnumber(L, stage.target);
    lua_setfield(L, -2, "target");
    lua_rawseti(L, -2, i++);
  }
  return Done{};
}

template <class T>
Outcome push_parsed(lua_State* L, const OptionDecl& option, const Result<T>& parsed) {
  if (!parsed) return bad_option(option, parsed.error().message);
  if constexpr (std::is_same_v<T, Duration>) {
    return push_checked(L, option, to_seconds(*parsed));
  } else {
    return push_checked(L, option, static_cast<double>(*parsed));
  }
}

Outcome push_by_type(lua_State* L, const OptionDecl& option, std::string_view text) {
  const std::string& type = option.shown.type;
  if (type == "int" || type == "number") return push_number(L, option, text);
  if (type == "bool") return push_bool(L, option, text);
  if (type == "duration") return push_parsed(L, option, parse_duration(text));
  if (type == "duration_range") return push_range(L, option, text);
  if (type == "size") return push_parsed(L, option, parse_size(text));
  if (type == "bitrate") return push_parsed(L, option, parse_bitrate(text));
  if (type == "address") return push_address(L, option, text);
  if (type == "url") return push_url(L, option, text);
  if (type == "stages") return push_stages(L, option, text);
  push(L, text);
  return Done{};
}

}  // namespace

Error bad_option(const OptionDecl& option, std::string_view what) {
  return make_error(ErrorCode::invalid_argument, fmt::format("--{}: {}", option.shown.name, what));
}

Outcome push_option_value(lua_State* L, const OptionDecl& option, std::string_view text) {
  if (option.shown.type == "choice") return push_choice(L, option, text);
  const auto& words = option.shown.choices;  // allowed besides the type's own notation
  if (std::find(words.begin(), words.end(), text) != words.end()) {
    push(L, text);
    return Done{};
  }
  const Outcome pushed = push_by_type(L, option, text);
  if (pushed || words.empty()) return pushed;
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{}, or {}", pushed.error().message, fmt::join(words, ", ")));
}

std::string sample_text(const OptionDecl& option) {
  const std::string& type = option.shown.type;
  if (type == "int" || type == "number") return fmt::format("{:.14g}", option.min.value_or(1));
  if (type == "duration" || type == "duration_range") return fmt::format("{:.14g}", option.min.value_or(1));
  if (type == "size" || type == "bitrate") return fmt::format("{:.0f}", option.min.value_or(1));
  if (type == "bool") return "true";
  if (type == "choice") return option.shown.choices.front();
  if (type == "address") return "127.0.0.1:1";
  if (type == "url") return "http://127.0.0.1:1";
  if (type == "stages") return "1s:1";
  return "sample";
}

}  // namespace lgen::lua
