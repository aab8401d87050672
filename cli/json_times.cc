#include "json_times.h"

#include <fmt/format.h>

#include "lgen/well_known.h"
#include "script_text.h"

namespace lgen::cli {
namespace {

/// As a number where a double holds every digit, else as the text, which plans may write, too.
std::optional<std::string> in_lua(std::optional<SecondsAndNanos> time, MessageForm form, std::string_view text) {
  if (!time) return std::nullopt;
  const double number = as_number(*time);
  const auto back = split_seconds(number, form);
  const bool exact = back && back->seconds == time->seconds && back->nanos == time->nanos;
  return exact ? fmt::format("{}", number) : lua_string(text);
}

}  // namespace

std::optional<std::string> timestamp_seconds(std::string_view text) {
  return in_lua(read_timestamp(text), MessageForm::timestamp, text);
}

std::optional<std::string> duration_seconds(std::string_view text) {
  return in_lua(read_duration(text), MessageForm::duration, text);
}

}  // namespace lgen::cli
