// Every schedule is split over N ranks by interleaving: VU j belongs to rank j mod N, arrival i to rank i mod N. The
// union over the ranks is therefore the schedule of one rank, whatever N is. Shared iterations need one more rule: only
// ranks that have a VU take part, so arrival i belongs to rank i mod min(N, VUs).
#include "lgen/schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "bounds.h"
#include "lgen/units.h"

namespace lgen {
namespace {

constexpr std::uint64_t kMostVus = 10'000'000;
constexpr Duration kDefaultMaxDuration = std::chrono::minutes(10);

/// How many of 0..total-1 belong to rank `index` of `count`.
std::uint64_t share(std::uint64_t total, std::uint64_t index, std::uint64_t count) {
  return index < total ? (total - index - 1) / count + 1 : 0;
}

Error out_of_range(std::string_view field, std::string_view rule, std::string_view got) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{} must be {}, got {}", field, rule, got));
}

Outcome check_length(std::string_view field, Duration length) {
  if (length <= Duration{0}) return out_of_range(field, "longer than 0", format_duration(length));
  if (length > kLongest) return out_of_range(field, "at most ten years", format_duration(length));
  return Done{};
}

Outcome check_constant_vus(const Load& load) {
  if (load.iterations != 0 || load.max_duration) {
    return make_error(ErrorCode::invalid_argument,
                      "constant_vus takes vus and duration; iterations and max_duration belong to per_vu_iterations "
                      "and shared_iterations");
  }
  if (!load.duration) return make_error(ErrorCode::invalid_argument, "constant_vus needs a duration");
  return check_length("duration", *load.duration);
}

Outcome check_iterations(const Load& load) {
  if (load.duration) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{} takes max_duration, not duration", to_string(load.kind)));
  }
  if (load.iterations == 0) return out_of_range("iterations", "at least 1", "0");
  std::uint64_t total = 0;
  if (__builtin_mul_overflow(load.iterations, load.vus, &total)) {
    return out_of_range("vus times iterations", "below 2^64", fmt::format("{} times {}", load.vus, load.iterations));
  }
  return load.max_duration ? check_length("max_duration", *load.max_duration) : Done{};
}

std::string count_vus(std::uint64_t vus) { return fmt::format("{} VU{}", vus, vus == 1 ? "" : "s"); }

std::string count_iterations(std::uint64_t n) { return fmt::format("{} iteration{}", n, n == 1 ? "" : "s"); }

}  // namespace

std::string_view to_string(Load::Kind kind) {
  switch (kind) {
    case Load::Kind::constant_vus:
      return "constant_vus";
    case Load::Kind::per_vu_iterations:
      return "per_vu_iterations";
    case Load::Kind::shared_iterations:
      return "shared_iterations";
  }
  return "unknown";
}

Outcome check_load(const Load& load) {
  if (load.vus == 0) return out_of_range("vus", "at least 1", "0");
  if (load.vus > kMostVus) return out_of_range("vus", fmt::format("at most {}", kMostVus), std::to_string(load.vus));
  return load.kind == Load::Kind::constant_vus ? check_constant_vus(load) : check_iterations(load);
}

std::string describe_load(const Load& load) {
  const std::string vus = count_vus(load.vus);
  const std::string at_most = format_duration(load.max_duration.value_or(kDefaultMaxDuration));
  switch (load.kind) {
    case Load::Kind::constant_vus:
      return fmt::format("{} for {}", vus, format_duration(load.duration.value_or(Duration{0})));
    case Load::Kind::per_vu_iterations:
      return fmt::format("{} for each of {} (at most {})", count_iterations(load.iterations), vus, at_most);
    case Load::Kind::shared_iterations:
      return fmt::format("{} shared by {} (at most {})", count_iterations(load.iterations), vus, at_most);
  }
  return {};
}

Schedule::Schedule(const Load& load, Slice slice) : load_(load), slice_(slice) {}

std::uint64_t Schedule::vus_at(Duration offset) const { return offset < end() ? max_vus() : 0; }

std::optional<Duration> Schedule::next_change(Duration offset) const {
  if (offset < end()) return end();
  return std::nullopt;
}

std::optional<Duration> Schedule::due(std::uint64_t n) const {
  const auto total = total_iterations();
  if (max_vus() == 0 || (total && n >= *total)) return std::nullopt;
  return Duration{0};
}

std::optional<Duration> Schedule::backlog() const { return std::nullopt; }

std::optional<std::uint64_t> Schedule::iterations_per_vu() const {
  if (load_.kind == Load::Kind::per_vu_iterations) return load_.iterations;
  return std::nullopt;
}

std::optional<std::uint64_t> Schedule::total_iterations() const {
  switch (load_.kind) {
    case Load::Kind::constant_vus:
      return std::nullopt;
    case Load::Kind::per_vu_iterations:
      return max_vus() * load_.iterations;
    case Load::Kind::shared_iterations: {
      const std::uint64_t ranks = std::min(slice_.count, std::min(load_.vus, load_.iterations));
      return slice_.index < ranks ? share(load_.iterations, slice_.index, ranks) : 0;
    }
  }
  return std::nullopt;
}

Duration Schedule::end() const {
  if (load_.kind == Load::Kind::constant_vus) return load_.duration.value_or(Duration{0});
  return load_.max_duration.value_or(kDefaultMaxDuration);
}

/// A VU without an iteration to share would only start and stop: it is left out.
std::uint64_t Schedule::max_vus() const {
  const bool shared = load_.kind == Load::Kind::shared_iterations;
  return share(shared ? std::min(load_.vus, load_.iterations) : load_.vus, slice_.index, slice_.count);
}

}  // namespace lgen
