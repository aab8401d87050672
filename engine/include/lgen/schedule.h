// When the next piece of work is due, as pure functions of a number: nothing is accumulated, nothing is remembered.
// Thread: values.
// Units: offsets from the scenario's start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen {

/// One rank's part of every schedule: arrival i belongs to rank i mod count.
struct Slice {
  std::uint64_t index = 0, count = 1;
};

/// What a scenario's load asks for (`lgen.load.*` in Lua). Each kind is an executor.
struct Load {
  enum class Kind { constant_vus, per_vu_iterations, shared_iterations };
  Kind kind = Kind::constant_vus;
  std::uint64_t vus = 1;
  std::uint64_t iterations = 0;          // per VU, or shared
  std::optional<Duration> duration;      // constant_vus
  std::optional<Duration> max_duration;  // the iteration kinds; nothing: 10 min
};

/// "constant_vus" ...
std::string_view to_string(Load::Kind kind);
/// Fails with what is missing, out of range or of another kind: "vus must be at least 1, got 0".
Outcome check_load(const Load& load);
/// One line for people: "30 VUs for 1m", "100 iterations shared by 10 VUs (at most 10m)".
std::string describe_load(const Load& load);

/// A load as pure functions; concrete class, one switch. Precondition: check_load() found nothing.
class Schedule {
 public:
  Schedule(const Load& load, Slice slice);

  /// How many VUs (of this rank) should be there at `offset`; 0 from end() on.
  std::uint64_t vus_at(Duration offset) const;
  /// The next offset after `offset` at which vus_at() changes; nothing: never again.
  std::optional<Duration> next_change(Duration offset) const;
  /// Offset at which arrival `n` (0-based, of this rank) is due; nothing: there is no such arrival. Arrivals of the
  /// closed kinds are all due at 0: each starts as soon as a VU is free for it.
  std::optional<Duration> due(std::uint64_t n) const;
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

 private:
  Load load_;
  Slice slice_;
};

}  // namespace lgen
