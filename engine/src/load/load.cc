// What makes a load: which fields each kind takes, what is wrong about them, and the load in words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bounds.h"
#include "lgen/schedule.h"
#include "lgen/units.h"
#include "load_kinds.h"

namespace lgen {
namespace {

constexpr std::uint64_t kMostVus = 10'000'000;
constexpr double kMostRate = 1e7;         // arrivals a second
constexpr std::size_t kStagesInFull = 6;  // longer lists are told in short
constexpr double kMostArrivals = 1e15;    // their numbers are exact in a double, and so are their fractions

Error out_of_range(std::string_view field, std::string_view rule, std::string_view got) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{} must be {}, got {}", field, rule, got));
}

Outcome check_length(std::string_view field, Duration length) {
  if (length <= Duration{0}) return out_of_range(field, "longer than 0", format_duration(length));
  if (length > kLongest) return out_of_range(field, "at most ten years", format_duration(length));
  return Done{};
}

Outcome check_vus(std::string_view field, std::uint64_t vus, std::uint64_t least) {
  if (vus < least) return out_of_range(field, fmt::format("at least {}", least), std::to_string(vus));
  if (vus > kMostVus) return out_of_range(field, fmt::format("at most {}", kMostVus), std::to_string(vus));
  return Done{};
}

Outcome check_duration_of(const Load& load) {
  if (load.duration) return check_length("duration", *load.duration);
  return make_error(ErrorCode::invalid_argument, fmt::format("{} needs a duration", to_string(load.kind)));
}

Outcome check_constant_vus(const Load& load) {
  if (load.iterations != 0 || load.max_duration) {
    return make_error(ErrorCode::invalid_argument,
                      "constant_vus takes vus and duration; iterations and max_duration belong to per_vu_iterations "
                      "and shared_iterations");
  }
  if (Outcome ok = check_vus("vus", load.vus, 1); !ok) return ok;
  return check_duration_of(load);
}

Outcome check_iterations(const Load& load) {
  if (Outcome ok = check_vus("vus", load.vus, 1); !ok) return ok;
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

/// NaN has a sign in print, which says nothing.
std::string show(double number) { return std::isnan(number) ? "nan" : fmt::format("{:g}", number); }

Outcome check_rate(std::string_view field, double rate, bool may_be_zero = true) {
  const bool fits = std::isfinite(rate) && (rate > 0 || (rate == 0 && may_be_zero));
  if (!fits) return out_of_range(field, may_be_zero ? "a number of at least 0" : "a number above 0", show(rate));
  if (rate > kMostRate)
    return out_of_range(field, fmt::format("at most {:.0f} a second", kMostRate), fmt::format("{:g}", rate));
  return Done{};
}

Outcome check_target(const Load& load, std::string_view field, double target) {
  if (is_rate(load.kind)) return check_rate(field, target);
  if (!std::isfinite(target) || target < 0 || target != std::floor(target)) {
    return out_of_range(field, "a whole number of at least 0", show(target));
  }
  if (target > kMostVus) return out_of_range(field, fmt::format("at most {}", kMostVus), fmt::format("{:.0f}", target));
  return Done{};
}

Outcome check_stage(const Load& load, std::size_t i) {
  const Stage& stage = load.stages[i];
  if (stage.duration < Duration{0} || stage.duration > kLongest) {
    return out_of_range(fmt::format("stages[{}]: duration", i + 1), "between 0 and ten years",
                        format_duration(stage.duration));
  }
  return check_target(load, fmt::format("stages[{}]: target", i + 1), stage.target);
}

Outcome check_stages(const Load& load) {
  const std::string kind{to_string(load.kind)};
  if (load.stages.empty()) return make_error(ErrorCode::invalid_argument, kind + " needs stages");
  Duration sum{0};
  bool anything = start_of(load) > 0 && load.stages.front().duration > Duration{0};
  for (std::size_t i = 0; i < load.stages.size(); ++i) {
    if (Outcome ok = check_stage(load, i); !ok) return ok;
    sum += load.stages[i].duration;
    if (sum > kLongest) return out_of_range("stages", "at most ten years together", format_duration(sum));
    anything |= load.stages[i].target > 0;
  }
  if (sum == Duration{0}) return out_of_range("stages", "longer than 0 together", "0s");
  if (!anything) return make_error(ErrorCode::invalid_argument, "stages: no target is above 0, so nothing would run");
  return Done{};
}

Outcome check_ramping_vus(const Load& load) {
  if (Outcome ok = check_vus("start_vus", load.vus, 0); !ok) return ok;
  return check_stages(load);
}

Outcome check_arrivals(const Load& load) {
  if (load.max_vus == 0) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{} needs max_vus: how many iterations may run at a time", to_string(load.kind)));
  }
  if (Outcome ok = check_vus("max_vus", load.max_vus, 1); !ok) return ok;
  if (load.backlog < Duration{0} || load.backlog > kLongest) {
    return out_of_range("backlog", "between 0 and ten years", format_duration(load.backlog));
  }
  const double count = arrival_curve(load).total();
  if (count > kMostArrivals) return out_of_range("rate times duration", "at most 10^15", fmt::format("{:g}", count));
  return Done{};
}

Outcome check_constant_rate(const Load& load) {
  if (Outcome ok = check_rate("rate", load.rate.per_second, false); !ok) return ok;
  if (Outcome ok = check_duration_of(load); !ok) return ok;
  return check_arrivals(load);
}

Outcome check_ramping_rate(const Load& load) {
  if (Outcome ok = check_rate("start_rate", load.rate.per_second); !ok) return ok;
  if (Outcome ok = check_stages(load); !ok) return ok;
  return check_arrivals(load);
}

Outcome check_external(const Load& load) {
  if (load.max_vus == 0) {
    return make_error(ErrorCode::invalid_argument, "external needs max_vus: how far it may be scaled");
  }
  if (Outcome ok = check_vus("max_vus", load.max_vus, 1); !ok) return ok;
  if (load.vus > load.max_vus) {
    return out_of_range("vus", fmt::format("at most max_vus, {}", load.max_vus), std::to_string(load.vus));
  }
  return check_duration_of(load);
}

std::string count_of(std::uint64_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

/// "0 -> 50 in 30s -> 50 for 1m -> 0 at once".
std::string describe_stages(const Load& load) {
  if (load.stages.size() > kStagesInFull) {
    double most = start_of(load);
    for (const Stage& stage : load.stages) most = std::max(most, stage.target);
    return fmt::format("{} stages up to {:g}", load.stages.size(), most);
  }
  double at = start_of(load);
  std::string text = fmt::format("{:g}", at);
  for (const Stage& stage : load.stages) {
    const bool jump = stage.duration == Duration{0};
    const std::string time =
        jump ? "at once" : fmt::format("{} {}", stage.target == at ? "for" : "in", format_duration(stage.duration));
    text += fmt::format(" -> {:g} {}", stage.target, time);
    at = stage.target;
  }
  return text;
}

/// ", at random, at most 100 VUs, backlog 0s".
std::string describe_arrivals(const Load& load) {
  std::string text = load.poisson ? ", at random" : "";
  text += fmt::format(", at most {}", count_of(load.max_vus, "VU"));
  if (load.backlog != kDefaultBacklog) text += fmt::format(", backlog {}", format_duration(load.backlog));
  return text;
}

}  // namespace

std::string_view to_string(Load::Kind kind) {
  switch (kind) {
    case Load::Kind::constant_vus:
      return "constant_vus";
    case Load::Kind::per_vu_iterations:
      return "per_vu_iterations";
    case Load::Kind::shared_iterations:
      return "shared_iterations";
    case Load::Kind::ramping_vus:
      return "ramping_vus";
    case Load::Kind::held_streams:
      return "held_streams";
    case Load::Kind::constant_rate:
      return "constant_rate";
    case Load::Kind::ramping_rate:
      return "ramping_rate";
    case Load::Kind::external:
      return "external";
  }
  return "unknown";
}

Outcome check_load(const Load& load) {
  switch (load.kind) {
    case Load::Kind::constant_vus:
      return check_constant_vus(load);
    case Load::Kind::per_vu_iterations:
    case Load::Kind::shared_iterations:
      return check_iterations(load);
    case Load::Kind::ramping_vus:
    case Load::Kind::held_streams:
      return check_ramping_vus(load);
    case Load::Kind::constant_rate:
      return check_constant_rate(load);
    case Load::Kind::ramping_rate:
      return check_ramping_rate(load);
    case Load::Kind::external:
      return check_external(load);
  }
  return Done{};
}

std::string describe_load(const Load& load) {
  const std::string vus = count_of(load.vus, "VU");
  const std::string length = format_duration(load.duration.value_or(Duration{0}));
  const Duration limit = load.max_duration.value_or(kDefaultMaxDuration);
  const std::string at_most = limit == kNoLimit ? "" : fmt::format(" (at most {})", format_duration(limit));
  switch (load.kind) {
    case Load::Kind::constant_vus:
      return fmt::format("{} for {}", vus, length);
    case Load::Kind::per_vu_iterations:
      return fmt::format("{} for each of {}{}", count_of(load.iterations, "iteration"), vus, at_most);
    case Load::Kind::shared_iterations:
      return fmt::format("{} shared by {}{}", count_of(load.iterations, "iteration"), vus, at_most);
    case Load::Kind::ramping_vus:
      return fmt::format("VUs {}", describe_stages(load));
    case Load::Kind::held_streams:
      return fmt::format("streams {}", describe_stages(load));
    case Load::Kind::constant_rate:
      return fmt::format("{:g}/s for {}{}", load.rate.per_second, length, describe_arrivals(load));
    case Load::Kind::ramping_rate:
      return fmt::format("per second {}{}", describe_stages(load), describe_arrivals(load));
    case Load::Kind::external:
      return fmt::format("{} for {}, scaled from outside up to {}", vus, length, load.max_vus);
  }
  return {};
}

Load scaled(Load load, double scale) {
  const auto divide = [scale](Duration d) {
    return Duration(std::llround(std::min(static_cast<double>(d.count()) / scale, 9e18)));
  };
  if (load.duration) load.duration = divide(*load.duration);
  if (load.max_duration) load.max_duration = divide(*load.max_duration);
  for (Stage& stage : load.stages) {
    stage.duration = divide(stage.duration);
    if (is_rate(load.kind)) stage.target *= scale;
  }
  load.rate.per_second *= scale;
  return load;
}

bool is_rate(Load::Kind kind) { return kind == Load::Kind::constant_rate || kind == Load::Kind::ramping_rate; }

bool is_vu_curve(Load::Kind kind) { return kind == Load::Kind::ramping_vus || kind == Load::Kind::held_streams; }

double start_of(const Load& load) { return is_rate(load.kind) ? load.rate.per_second : static_cast<double>(load.vus); }

RateCurve arrival_curve(const Load& load) {
  if (load.kind == Load::Kind::ramping_rate) return RateCurve(load.rate.per_second, load.stages);
  const Stage whole{load.duration.value_or(Duration{0}), load.rate.per_second};
  return RateCurve(load.rate.per_second, {&whole, 1});
}

}  // namespace lgen
