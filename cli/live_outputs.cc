#include "live_outputs.h"

#include <fmt/format.h>

#include "lgen/log.h"
#include "lgen/units.h"

namespace lgen::cli {

Result<Duration> time_key(const OutputRequest& request, std::string_view key, Duration fallback, Duration least,
                          Duration most) {
  const std::string text = request.key(key);
  if (text.empty()) return fallback;
  const auto time = parse_duration(text);
  if (time && *time >= least && *time <= most) return time;
  const std::string why =
      time ? fmt::format("must be {} to {}, got {}", format_duration(least), format_duration(most), text)
           : time.error().message;
  return make_error(ErrorCode::invalid_argument, fmt::format("--out: {}: {}: {}", request.format->name, key, why));
}

void announce(std::string_view what, std::string_view where) {
  step_aside();
  write_stderr(fmt::format("lgen: {}: {}\n", what, where));
}

}  // namespace lgen::cli
