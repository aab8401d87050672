// How the load behind a threshold has gone: the seconds in which its scenario, or any, was on, in the phases it means.
// Thread: the loop's.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "lgen/runner.h"
#include "lgen/threshold_watch.h"

namespace lgen::lua {

struct ScenarioDecl;
using ScenarioDecls = std::vector<std::unique_ptr<ScenarioDecl>>;

/// Value of a threshold's label; "" without.
std::string_view label_value(const Threshold& threshold, std::string_view name);

/// Of the first `elapsed` of a scenario, what lies in phases called `phase`; "": in all but the warm-up. The last phase
/// goes on to the end.
Duration in_phase(const std::vector<PhaseSpec>& phases, std::string_view phase, Duration elapsed);

/// How long the load behind a threshold can last, from its first start: until nothing new comes due, and with what then
/// runs on for graceful_stop.
struct LoadSpan {
  Duration planned{0}, at_most{0};
};
LoadSpan load_span(const Threshold& threshold, const ScenarioDecls& decls, double time_scale);

class LoadClock {
 public:
  /// `time_scale`: the scenarios run so many times faster than they are declared.
  LoadClock(const ScenarioDecls& decls, double time_scale) : decls_(decls), time_scale_(time_scale) {}
  /// Call it in the order of time; `now` since the start of the run, without the pauses. Unless it `counts`, the time
  /// since the last call is not judged.
  LoadTime at(const Threshold& threshold, const std::vector<ScenarioProgress>& progress, Duration now, bool counts);
  /// Of the whole load, the time that a threshold's rate is over.
  Duration judged_time(const Threshold& threshold, const std::vector<ScenarioProgress>& progress) const;

 private:
  struct State {
    std::vector<Duration> judged;  // by scenario
    Duration first_start = Duration::max();
    LoadTime time;
  };
  Duration judged(const Threshold& threshold, const ScenarioDecl& decl, Duration elapsed) const;

  const ScenarioDecls& decls_;
  const double time_scale_;
  std::map<const Threshold*, State> states_;
};

}  // namespace lgen::lua
