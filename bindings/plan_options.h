// lgen.options: what a plan declares, the texts from flags, environment and config file, and the typed Lua values.
// Thread: the loop's.
#pragma once

#include <lua.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/plan.h"
#include "stack.h"

namespace lgen::lua {

/// A declared option with what its values must satisfy.
struct OptionDecl {
  PlanOption shown;
  std::optional<double> min, max;
};

/// What a declaration may say; name and type may stand first, without their keys.
inline constexpr Key kOptionKeys[] = {
    {"name", "string", "the flag's name, without --; may stand first without its key"},
    {"type", "string",
     "string int number bool duration duration_range size bitrate address url file choice stages; default string"},
    {"default", "any", "used when nothing else is given, in the notation of the flag"},
    {"required", "boolean", "no default; the run does not start without it"},
    {"help", "string", "one line for --help"},
    {"choices", "string[]", "for type choice; with other types: words allowed besides its own notation"},
    {"min", "number", "smallest value (durations: seconds)"},
    {"max", "number", "largest value"},
    {"list", "boolean", "may be given several times or with commas; read as a list"},
    {"env", "string", "environment variable that sets it"},
    {"secret", "boolean", "never shown: *** in outputs, errors, traces and logs"},
};
inline constexpr KeySet kOptionFields{"lgen.Option", kOptionKeys};

/// "--NAME: WHAT".
Error bad_option(const OptionDecl& option, std::string_view what);

/// Checks `text` for the option and pushes its Lua value; on an Error nothing is pushed.
/// Values: int, number -> number; bool -> boolean; duration -> seconds; duration_range -> {min=, max=} in seconds;
/// size -> bytes; bitrate -> bits/s; stages "30s:10,1m:50" -> {{duration=, target=}, ...}; all others -> string.
Outcome push_option_value(lua_State* L, const OptionDecl& option, std::string_view text);

/// Texts by option name from "--name value", "--name=value", "--flag", "--no-flag". Fails on unknown names with a
/// did-you-mean, on missing values, and on words that belong to no option.
Result<std::map<std::string, std::vector<std::string>>> parse_plan_args(const std::vector<OptionDecl>& options,
                                                                        const std::vector<std::string>& args);

/// Fails on options of the command line and of --config that the plan does not declare.
Outcome check_options_known(const PlanInput& input, const std::vector<OptionDecl>& options);

/// Text that satisfies the option, for `lgen check` without it.
std::string sample_text(const OptionDecl& option);

/// "unknown option --taget (did you mean '--target'?)" for the first word that looks like it; "" when none does. For
/// plans that stop before they have declared their options, or have none.
std::string misspelt_engine_option(const PlanInput& input);

/// The binding `lgen.options`.
int declare_options(lua_State* L);

}  // namespace lgen::lua
