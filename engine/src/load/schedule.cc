// Every schedule is split over N ranks by interleaving: VU j belongs to rank j mod N, arrival i to rank i mod N. The
// union over the ranks is therefore the schedule of one rank, whatever N is. Arrivals need one more rule: only ranks
// that have a VU take part, so arrival i belongs to rank i mod min(N, VUs).
#include "lgen/schedule.h"

#include <algorithm>
#include <cmath>

#include "load_kinds.h"
#include "rate_curve.h"
#include "unit_arrivals.h"
#include "vu_curve.h"

namespace lgen {
namespace {

/// How many of 0..total-1 belong to rank `index` of `count`.
std::uint64_t share(std::uint64_t total, std::uint64_t index, std::uint64_t count) {
  return index < total ? (total - index - 1) / count + 1 : 0;
}

/// Whole arrivals within `count`. Sums of stages are not exact: 0.1/s for 30 s are 3 arrivals, not the 4 of
/// 3.0000000000000004.
std::uint64_t whole_arrivals(double count) {
  return static_cast<std::uint64_t>(std::ceil(std::max(0.0, count - 1e-9 - count * 1e-12)));
}

}  // namespace

/// All ranks' arrivals of a rate.
struct Schedule::Arrivals {
  explicit Arrivals(const Load& load)
      : curve(arrival_curve(load)),
        even_total(whole_arrivals(curve.total())),
        poisson(load.poisson),
        starting(load.seed),
        counting(load.seed) {}

  std::optional<Duration> due(std::uint64_t n, UnitArrivals& unit) const {
    if (poisson) return curve.when(unit.at(n));
    if (n >= even_total) return std::nullopt;
    return curve.when(static_cast<double>(n)).value_or(curve.end());
  }
  bool is_due(std::uint64_t n, Duration offset) {
    const auto when = due(n, counting);
    return when && *when <= offset;
  }
  /// From the integral, and from there to where due() says: both are rounded.
  std::uint64_t due_by(Duration offset) {
    const double count = curve.count_by(offset);
    std::uint64_t n = poisson ? counting.count_by(count) : std::min(whole_arrivals(count), even_total);
    while (is_due(n, offset)) ++n;
    while (n > 0 && !is_due(n - 1, offset)) --n;
    return n;
  }

  const RateCurve curve;
  const std::uint64_t even_total;
  const bool poisson;
  // Two readers, one ahead of the other: what has come, and what is next.
  UnitArrivals starting, counting;
};

Schedule::Schedule(const Load& load, Slice slice) : load_(load), slice_(slice) {
  if (is_rate(load.kind)) arrivals_ = std::make_unique<Arrivals>(load);
}
Schedule::~Schedule() = default;
Schedule::Schedule(Schedule&&) noexcept = default;

std::uint64_t Schedule::my_share(std::uint64_t vus) const { return share(vus, slice_.index, slice_.count); }

std::uint64_t Schedule::vus_at(Duration offset) const {
  if (offset >= end()) return 0;
  if (is_vu_curve(load_.kind)) return my_share(vus_on_curve(load_.vus, load_.stages, offset).value_or(0));
  if (load_.kind == Load::Kind::external) return my_share(load_.vus);
  return max_vus();
}

std::optional<Duration> Schedule::next_change(Duration offset) const {
  if (is_vu_curve(load_.kind)) return next_change_on_curve(load_.vus, load_.stages, offset);
  if (offset < end()) return end();
  return std::nullopt;
}

std::optional<Duration> Schedule::due(std::uint64_t n) const {
  if (arrivals_) {
    const std::uint64_t ranks = std::min(slice_.count, load_.max_vus);
    if (slice_.index >= ranks) return std::nullopt;
    return arrivals_->due(slice_.index + n * ranks, arrivals_->starting);
  }
  const auto total = total_iterations();
  if (max_vus() == 0 || (total && n >= *total)) return std::nullopt;
  return Duration{0};
}

std::optional<std::uint64_t> Schedule::due_by(Duration offset) const {
  if (!arrivals_) return std::nullopt;
  const std::uint64_t ranks = std::min(slice_.count, load_.max_vus);
  return slice_.index < ranks ? share(arrivals_->due_by(offset), slice_.index, ranks) : 0;
}

std::optional<Duration> Schedule::backlog() const {
  if (arrivals_) return load_.backlog;
  return std::nullopt;
}

std::optional<std::uint64_t> Schedule::iterations_per_vu() const {
  if (load_.kind == Load::Kind::per_vu_iterations) return load_.iterations;
  return std::nullopt;
}

std::optional<std::uint64_t> Schedule::total_iterations() const {
  if (load_.kind == Load::Kind::per_vu_iterations) return max_vus() * load_.iterations;
  if (load_.kind == Load::Kind::shared_iterations) {
    const std::uint64_t ranks = std::min(slice_.count, std::min(load_.vus, load_.iterations));
    return slice_.index < ranks ? share(load_.iterations, slice_.index, ranks) : 0;
  }
  if (arrivals_ && !arrivals_->poisson) return due_by(end());
  return std::nullopt;
}

Duration Schedule::end() const {
  if (arrivals_) return arrivals_->curve.end();
  if (is_vu_curve(load_.kind)) return stages_end(load_.stages);
  if (load_.duration) return *load_.duration;
  return load_.max_duration.value_or(kDefaultMaxDuration);
}

/// A VU without an iteration to share would only start and stop: it is left out.
std::uint64_t Schedule::max_vus() const {
  switch (load_.kind) {
    case Load::Kind::shared_iterations:
      return my_share(std::min(load_.vus, load_.iterations));
    case Load::Kind::ramping_vus:
    case Load::Kind::held_streams:
      return my_share(peak_of_curve(load_.vus, load_.stages));
    case Load::Kind::constant_rate:
    case Load::Kind::ramping_rate:
    case Load::Kind::external:
      return my_share(load_.max_vus);
    case Load::Kind::constant_vus:
    case Load::Kind::per_vu_iterations:
      return my_share(load_.vus);
  }
  return 0;
}

std::optional<std::uint64_t> Schedule::share_of(std::uint64_t vus) const {
  if (load_.kind != Load::Kind::external) return std::nullopt;
  return my_share(std::min(vus, load_.max_vus));
}

}  // namespace lgen
