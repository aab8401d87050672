#include "lgen/connect_steps.h"

#include <fmt/format.h>

#include "lgen/units.h"

namespace lgen {

std::string to_string(const ConnectSteps& steps) {
  std::string text;
  const auto add = [&](const char* name, Duration took) {
    if (took > Duration{0}) text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, format_duration(took));
  };
  add("name", steps.dns);
  add("dial", steps.connect);
  add("TLS", steps.tls);
  add("SETTINGS", steps.settings);
  return text;
}

}  // namespace lgen
