#include "threshold_load.h"

#include <algorithm>

#include "host.h"

namespace lgen::lua {
namespace {

bool is_about(const Threshold& threshold, std::string_view scenario) {
  const std::string_view wanted = label_value(threshold, "scenario");
  return wanted.empty() || wanted == scenario;
}

/// While arrivals were due: what runs on after the schedule's end takes no new load.
Duration planned(const ScenarioProgress& scenario) { return std::min(scenario.elapsed, scenario.length); }

}  // namespace

std::string_view label_value(const Threshold& threshold, std::string_view name) {
  for (const auto& [known, value] : threshold.labels) {
    if (known == name) return value;
  }
  return {};
}

Duration in_phase(const std::vector<PhaseSpec>& phases, std::string_view phase, Duration elapsed) {
  if (phases.empty()) return phase.empty() ? elapsed : Duration{0};
  Duration begin{0}, sum{0};
  for (std::size_t i = 0; i < phases.size() && begin < elapsed; ++i) {
    const bool last = i + 1 == phases.size();
    const Duration end = last || phases[i].length > elapsed - begin ? elapsed : begin + phases[i].length;
    if (phase.empty() ? phases[i].name != "warmup" : phases[i].name == phase) sum += end - begin;
    begin = end;
  }
  return sum;
}

LoadSpan load_span(const Threshold& threshold, const ScenarioDecls& decls, double time_scale) {
  Duration first = Duration::max(), planned{0}, at_most{0};
  for (const auto& decl : decls) {
    const ScenarioSpec& spec = decl->spec;
    if (!is_about(threshold, spec.name)) continue;
    const Duration start = std::min(from_seconds(to_seconds(spec.start_after) / time_scale), kNoLimit);
    const Duration end = start + std::min(Schedule(scaled(spec.load, time_scale), Slice{}).end(), kNoLimit);
    first = std::min(first, start);
    planned = std::max(planned, end);
    at_most = std::max(at_most, end + std::min(spec.graceful_stop, kNoLimit));
  }
  return {planned - first, at_most - first};
}

Duration LoadClock::judged(const Threshold& threshold, const ScenarioDecl& decl, Duration elapsed) const {
  const std::string_view phase = label_value(threshold, "phase");
  if (time_scale_ == 1) return in_phase(decl.spec.phases, phase, elapsed);
  const Duration declared = in_phase(decl.spec.phases, phase, from_seconds(to_seconds(elapsed) * time_scale_));
  return from_seconds(to_seconds(declared) / time_scale_);
}

Duration LoadClock::judged_time(const Threshold& threshold, const std::vector<ScenarioProgress>& progress) const {
  Duration longest{0};
  for (std::size_t i = 0; i < std::min(progress.size(), decls_.size()); ++i) {
    if (is_about(threshold, progress[i].name))
      longest = std::max(longest, judged(threshold, *decls_[i], progress[i].elapsed));
  }
  return longest;
}

/// Scenarios side by side count once, one after the other each; hence step by step.
LoadTime LoadClock::at(const Threshold& threshold, const std::vector<ScenarioProgress>& progress, Duration now,
                       bool counts) {
  State& state = states_[&threshold];
  state.judged.resize(progress.size());
  Duration step{0};
  for (std::size_t i = 0; i < std::min(progress.size(), decls_.size()); ++i) {
    if (!is_about(threshold, progress[i].name) || progress[i].elapsed <= Duration{0}) continue;
    if (!progress[i].finished) state.first_start = std::min(state.first_start, now - progress[i].elapsed);
    const Duration so_far = judged(threshold, *decls_[i], planned(progress[i]));
    step = std::max(step, so_far - state.judged[i]);
    state.judged[i] = so_far;
  }
  if (state.first_start != Duration::max()) state.time.elapsed = std::max(Duration{0}, now - state.first_start);
  state.time.on += step;
  if (counts) state.time.judged += step;
  return state.time;
}

}  // namespace lgen::lua
