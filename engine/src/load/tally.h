// What became of a scenario's iterations: the counts behind ScenarioProgress and the same as metrics, by phase.
// Thread: the loop's.
// Lifetime: references metrics and the phases it was made with.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "lgen/metrics.h"
#include "lgen/runner.h"

namespace lgen {

class Tally {
 public:
  /// Labels of every series: the scenario's name, its tags and, where there are phases, `phase`.
  Tally(Metrics& metrics, const ScenarioSpec& scenario);

  /// Index of the phase an offset lies in; the last phase goes on.
  std::size_t phase_at(Duration offset) const;
  std::string_view phase_name(std::size_t phase) const;

  /// `start_lag`: from due and VU free to resumed; nothing when no time was set. `vu_wait`: from due to VU free, in the
  /// open model.
  void started(std::size_t phase, std::optional<Duration> start_lag, std::optional<Duration> vu_wait);
  /// `took`: from the intended start; kept for iterations that came to their own end.
  void over(std::size_t phase, IterationEnd end, Duration took);
  void dropped(std::uint64_t count);
  /// So many of those that are dropped had a VU free for them.
  void dropped_with_free_vu(std::uint64_t count) { dropped_with_free_vu_ += count; }
  void set_vus(std::uint64_t vus);

  /// Iterations that have started and not ended.
  std::uint64_t running() const { return started_ - succeeded_ - failed_ - cancelled_; }
  /// Fills the counts of `progress`.
  void report(ScenarioProgress& progress) const;

 private:
  struct Series {
    SeriesId iterations, failed, duration, start_lag, vu_wait;
  };
  Series& series(std::size_t phase);
  Labels labels(std::string_view phase) const;

  Metrics& metrics_;
  const ScenarioSpec& scenario_;
  std::vector<std::optional<Series>> by_phase_;  // resolved on first use: a phase not reached has no series
  SeriesId dropped_series_, vus_series_;
  std::uint64_t started_ = 0, succeeded_ = 0, failed_ = 0, cancelled_ = 0, dropped_ = 0, dropped_with_free_vu_ = 0,
                vus_ = 0, started_in_warmup_ = 0;
};

}  // namespace lgen
