#include "scenario.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bounds.h"

namespace lgen {
namespace {

ScenarioSpec with_bounds(ScenarioSpec spec) {
  spec.start_after = bounded(spec.start_after);
  spec.graceful_stop = bounded(spec.graceful_stop);
  return spec;
}

/// How much of `elapsed` lay in phases called warmup; the last phase goes on to the end.
Duration warmup_within(const std::vector<PhaseSpec>& phases, Duration elapsed) {
  Duration begin{0}, sum{0};
  for (std::size_t i = 0; i < phases.size(); ++i) {
    const bool last = i + 1 == phases.size();
    const Duration end = last || phases[i].length > elapsed - begin ? elapsed : begin + phases[i].length;
    if (phases[i].name == "warmup") sum += end - begin;
    begin = end;
  }
  return sum;
}

}  // namespace

Scenario::Scenario(Loop& loop, Metrics& metrics, ScenarioSpec spec, Slice slice, std::uint64_t first_vu_id, Hooks hooks)
    : loop_(loop),
      spec_(with_bounds(std::move(spec))),
      schedule_(spec_.load, slice),
      first_vu_id_(first_vu_id),
      hooks_(std::move(hooks)),
      start_timer_(loop, [this] { start_worker(); }),
      tally_(metrics, spec_),
      worker_(loop, schedule_, spec_.graceful_stop, tally_, [this](std::uint64_t index) { return make_vu(index); },
              {.over = [this] { over(); },
               .vu_failed = [this](const PooledVu& vu, std::string_view what) { vu_failed(vu, what); }}) {}

void Scenario::start() {
  if (stage_ != Stage::waiting) return;
  asked_ = true;
  until_start_ = spec_.start_after;
  if (!paused_) start_timer_.arm(loop_.now() + until_start_);
}

void Scenario::pause() {
  if (paused_) return;
  paused_ = true;
  if (start_timer_.armed()) until_start_ = std::max(start_timer_.when() - loop_.now(), Duration{0});
  start_timer_.disarm();
  if (stage_ == Stage::running) worker_.pause();
}

void Scenario::resume() {
  if (!paused_) return;
  paused_ = false;
  if (asked_ && stage_ == Stage::waiting) start_timer_.arm(loop_.now() + until_start_);
  if (stage_ == Stage::running) worker_.resume();
}

/// One that has not started goes through the same end, so that what it never did is counted as dropped.
void Scenario::stop(Duration cap) {
  if (finished()) return;
  if (stage_ == Stage::waiting) start_worker();
  worker_.stop(std::min(spec_.graceful_stop, cap));
}

Outcome Scenario::scale(std::uint64_t vus) {
  const auto share = schedule_.share_of(vus);
  if (!share) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("scenario '{}' has the load {}, which sets its VUs itself; only external is scaled",
                                  name(), to_string(spec_.load.kind)));
  }
  if (vus > spec_.load.max_vus) {
    return make_error(ErrorCode::invalid_argument, fmt::format("scenario '{}' has at most {} VUs (its max_vus), got {}",
                                                               name(), spec_.load.max_vus, vus));
  }
  worker_.scale(*share);
  return Done{};
}

void Scenario::start_worker() {
  start_timer_.disarm();
  stage_ = Stage::running;
  begun_ = loop_.now();
  worker_.start();
}

std::unique_ptr<Vu> Scenario::make_vu(std::uint64_t index) const {
  const std::uint64_t place = schedule_.global_vu(index);
  return spec_.make_vu(VuIdentity{.id = first_vu_id_ + place, .index = place + 1, .scenario = spec_.name});
}

void Scenario::over() {
  stage_ = Stage::finished;
  finished_ = loop_.now();
  hooks_.over();
}

void Scenario::vu_failed(const PooledVu& vu, std::string_view what) {
  hooks_.failed(fmt::format("scenario '{}': virtual user {} failed in {}()", spec_.name,
                            schedule_.global_vu(vu.index) + 1, what));
}

ScenarioProgress Scenario::progress() const {
  ScenarioProgress progress;
  progress.name = spec_.name;
  progress.load = describe_load(spec_.load);
  tally_.report(progress);
  progress.vus = worker_.vus();
  progress.max_vus = schedule_.max_vus();
  progress.total = schedule_.total_iterations();
  if (stage_ != Stage::waiting) progress.scheduled = worker_.scheduled();
  progress.length = schedule_.end();
  if (stage_ != Stage::waiting) progress.elapsed = worker_.elapsed(std::min(finished_, loop_.now()));
  progress.warmup = warmup_within(spec_.phases, progress.elapsed);
  progress.finished = finished();
  progress.background = spec_.background;
  progress.stopping = worker_.stopping() && !finished();
  progress.paused = paused_ && !finished() && !progress.stopping;
  if (progress.stopping) progress.stops_within = std::max(worker_.stop_by() - loop_.now(), Duration{0});
  return progress;
}

}  // namespace lgen
