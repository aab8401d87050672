// When the next piece of work is due, as pure functions of a number: nothing is accumulated, nothing drifts.
// Thread: values.
// Units: offsets from the scenario's start; rates per second.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen {

/// One rank's part of every schedule: arrival i belongs to rank i mod count.
struct Slice {
  std::uint64_t index = 0, count = 1;
};

/// A straight line from where the stage before it ended to `target` (VUs, streams, or arrivals a second); of no
/// length: a jump.
struct Stage {
  Duration duration{0};
  double target = 0;
};

inline constexpr Duration kDefaultBacklog = std::chrono::seconds(10);

/// Longer than any run.
inline constexpr Duration kNoLimit = std::chrono::hours(24 * 3650);

/// What a scenario's load asks for (`lgen.load.*` in Lua). Each kind is an executor.
struct Load {
  enum class Kind {
    constant_vus,
    per_vu_iterations,
    shared_iterations,
    ramping_vus,
    held_streams,  // as ramping_vus; each VU keeps one stream open
    constant_rate,
    ramping_rate,
    external,  // as many VUs as somebody says while it runs
  };
  Kind kind = Kind::constant_vus;
  std::uint64_t vus = 1;                 // kinds with stages, external: at the start
  std::uint64_t iterations = 0;          // per VU, or shared
  std::optional<Duration> duration;      // constant_vus, constant_rate, external
  std::optional<Duration> max_duration;  // the iteration kinds; nothing: 10 min; kNoLimit: none
  std::vector<Stage> stages = {};        // ramping_vus, ramping_rate, held_streams
  Rate rate = {};                        // constant_rate; ramping_rate: at the start
  std::uint64_t max_vus = 0;             // rates, external
  Duration backlog = kDefaultBacklog;    // rates: how long an arrival may wait for a free VU; 0: not at all
  bool poisson = false;                  // rates: arrivals at random instead of evenly
  std::uint64_t seed = 0;                // of these
};

/// "constant_vus" ...
std::string_view to_string(Load::Kind kind);
/// Fails with what is missing, out of range or of another kind: "vus must be at least 1, got 0".
Outcome check_load(const Load& load);
/// One line for people: "30 VUs for 1m", "200/s for 30s, at most 100 VUs".
std::string describe_load(const Load& load);
/// The same load with its time going `scale` times as fast: durations divided, rates multiplied. Limits on waiting
/// (backlog) stay.
Load scaled(Load load, double scale);

/// A load as pure functions; concrete class, one switch. Precondition: check_load() found nothing.
class Schedule {
 public:
  Schedule(const Load& load, Slice slice);
  ~Schedule();
  Schedule(Schedule&&) noexcept;

  /// How many VUs (of this rank) should be there at `offset`; 0 from end() on.
  std::uint64_t vus_at(Duration offset) const;
  /// The next offset after `offset` at which vus_at() may change; nothing: never again.
  std::optional<Duration> next_change(Duration offset) const;
  /// Offset at which arrival `n` (0-based, of this rank) is due; nothing: there is no such arrival. Never falls with n.
  /// Arrivals of the closed kinds are all due at 0: each starts as soon as a VU is free for it. Random arrivals are
  /// cheap when asked for in order.
  std::optional<Duration> due(std::uint64_t n) const;
  /// How many arrivals (of this rank) are due by `offset`, that moment included; nothing: a closed kind.
  std::optional<std::uint64_t> due_by(Duration offset) const;
  /// How long an arrival may wait for a free VU before it is dropped; nothing: a closed kind, whose arrivals have no
  /// time of their own: the intended start is the moment the VU became free.
  std::optional<Duration> backlog() const;
  /// Most iterations one VU makes; nothing: no limit.
  std::optional<std::uint64_t> iterations_per_vu() const;
  /// Total of iterations of all VUs of this rank, where the kind sets it in advance.
  std::optional<std::uint64_t> total_iterations() const;
  /// From here on nothing new comes due.
  Duration end() const;
  /// Most VUs (of this rank) ever needed.
  std::uint64_t max_vus() const;
  /// Place among the VUs of all ranks (0-based) of this rank's VU `k`.
  std::uint64_t global_vu(std::uint64_t k) const { return slice_.index + k * slice_.count; }
  /// This rank's part of `vus` VUs; nothing: their number is not set from outside (only `external` is).
  std::optional<std::uint64_t> share_of(std::uint64_t vus) const;

 private:
  struct Arrivals;
  std::uint64_t my_share(std::uint64_t vus) const;

  Load load_;
  Slice slice_;
  std::unique_ptr<Arrivals> arrivals_;  // of the rates
};

}  // namespace lgen
