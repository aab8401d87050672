#include "tally.h"

#include <algorithm>

namespace lgen {

Tally::Tally(Metrics& metrics, const ScenarioSpec& scenario)
    : metrics_(metrics),
      scenario_(scenario),
      by_phase_(std::max<std::size_t>(scenario.phases.size(), 1)),
      dropped_series_(metrics.series("iterations_dropped", labels(""))),
      vus_series_(metrics.series("vus", labels(""))) {}

std::size_t Tally::phase_at(Duration offset) const {
  std::size_t phase = 0;
  for (; phase + 1 < scenario_.phases.size() && offset >= scenario_.phases[phase].length; ++phase) {
    offset -= scenario_.phases[phase].length;
  }
  return phase;
}

std::string_view Tally::phase_name(std::size_t phase) const {
  return scenario_.phases.empty() ? std::string_view() : scenario_.phases[phase].name;
}

void Tally::started(std::size_t phase, std::optional<Duration> start_lag, std::optional<Duration> vu_wait) {
  ++started_;
  if (phase_name(phase) == "warmup") ++started_in_warmup_;
  const Series& ids = series(phase);
  if (start_lag) metrics_.record(ids.start_lag, *start_lag);
  if (vu_wait) metrics_.record(ids.vu_wait, *vu_wait);
}

void Tally::over(std::size_t phase, IterationEnd end, Duration took) {
  if (end == IterationEnd::cancelled) {
    ++cancelled_;
    return;
  }
  const Series& ids = series(phase);
  metrics_.add(ids.iterations);
  metrics_.record(ids.duration, took);
  if (end == IterationEnd::succeeded) {
    ++succeeded_;
  } else {
    ++failed_;
    metrics_.add(ids.failed);
  }
}

void Tally::dropped(std::uint64_t count) {
  if (count == 0) return;
  dropped_ += count;
  metrics_.add(dropped_series_, static_cast<double>(count));
}

void Tally::set_vus(std::uint64_t vus) {
  if (vus == vus_) return;
  vus_ = vus;
  metrics_.set(vus_series_, static_cast<double>(vus));
}

void Tally::report(ScenarioProgress& progress) const {
  progress.started = started_;
  progress.succeeded = succeeded_;
  progress.failed = failed_;
  progress.cancelled = cancelled_;
  progress.dropped = dropped_;
  progress.dropped_with_free_vu = dropped_with_free_vu_;
  progress.started_in_warmup = started_in_warmup_;
  progress.running = running();
}

Tally::Series& Tally::series(std::size_t phase) {
  std::optional<Series>& slot = by_phase_[phase];
  if (!slot) {
    const Labels all = labels(phase_name(phase));
    slot = Series{metrics_.series("iterations", all), metrics_.series("iterations_failed", all),
                  metrics_.series("iteration_duration_seconds", all), metrics_.series("start_lag_seconds", all),
                  metrics_.series("vu_wait_seconds", all)};
  }
  return *slot;
}

/// Tags may not take the place of the engine's own labels.
Labels Tally::labels(std::string_view phase) const {
  Labels result = scenario_.tags;
  std::erase_if(result, [](const auto& label) { return label.first == "scenario" || label.first == "phase"; });
  result.emplace_back("scenario", scenario_.name);
  if (!phase.empty()) result.emplace_back("phase", phase);
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace lgen
