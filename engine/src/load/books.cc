// The sums that must hold in every run's figures.
#include <fmt/format.h>

#include "lgen/runner.h"

namespace lgen {
namespace {

std::string wrong_iterations(const ScenarioProgress& s) {
  if (s.started == s.succeeded + s.failed + s.cancelled) return {};
  return fmt::format("{} iterations started, but {} succeeded + {} failed + {} cancelled", s.started, s.succeeded,
                     s.failed, s.cancelled);
}

std::string wrong_arrivals(const ScenarioProgress& s) {
  if (!s.scheduled || *s.scheduled == s.started + s.dropped) return {};
  return fmt::format("{} arrivals were due, but {} started + {} dropped", *s.scheduled, s.started, s.dropped);
}

}  // namespace

std::string check_books(const std::vector<ScenarioProgress>& scenarios) {
  std::string text;
  for (const ScenarioProgress& s : scenarios) {
    if (!s.finished) continue;
    for (const std::string& wrong : {wrong_iterations(s), wrong_arrivals(s)}) {
      if (wrong.empty()) continue;
      text += fmt::format("{}scenario '{}': {}", text.empty() ? "" : "; ", s.name, wrong);
    }
  }
  return text;
}

}  // namespace lgen
