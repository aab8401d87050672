#include "stage_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "lgen/units.h"

namespace lgen::lua {
namespace {

std::optional<Stage> parse_stage(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto duration = parse_duration(text.substr(0, colon));
  double target = 0;
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), target);
  const bool whole = error == std::errc{} && stop == text.data() + text.size();
  if (!duration || !whole || !std::isfinite(target) || target < 0) return std::nullopt;
  return Stage{*duration, target};
}

}  // namespace

Result<std::vector<Stage>> parse_stages(std::string_view text) {
  constexpr std::string_view kAdvice = "write DURATION:TARGET, as in 30s:10,1m:50";
  if (text.empty()) {
    return make_error(ErrorCode::invalid_argument, fmt::format("a stage is missing; {}", kAdvice));
  }
  std::vector<Stage> stages;
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    const auto stage = parse_stage(one);
    if (!stage) return make_error(ErrorCode::invalid_argument, fmt::format("'{}' is no stage; {}", one, kAdvice));
    stages.push_back(*stage);
    text.remove_prefix(std::min(text.size(), one.size() + 1));
  }
  return stages;
}

}  // namespace lgen::lua
