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

/// What a scenario's load asks for (LUA_API's `lgen.load.*`). Later executors add their own kinds.
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
/// Fails with what is out of range: "vus must be at least 1, got 0".
Outcome check_load(const Load& load);
/// One line for people: "30 VUs for 1m", "100 iterations shared by 10 VUs (at most 10m)".
std::string describe_load(const Load& load);

/// A load as pure functions; concrete class, one switch.
class Schedule {
 public:
  Schedule(const Load& load, Slice slice);

  /// How many VUs should be running at `offset`; 0 after the end.
  std::uint64_t vus_at(Duration offset) const;
  /// Offset at which iteration `n` (0-based, of this rank) of VU `vu_index` (0-based) is due when that VU is free;
  /// nothing: there is no such iteration. Closed kinds are due at once.
  std::optional<Duration> due(std::uint64_t vu_index, std::uint64_t n) const;
  /// Total of iterations of all VUs of this rank, where the kind sets it in advance.
  std::optional<std::uint64_t> total_iterations() const;
  /// From here on no new iteration starts.
  Duration end() const;
  /// Most VUs ever needed.
  std::uint64_t max_vus() const;

 private:
  Load load_;
  Slice slice_;
};

}  // namespace lgen
