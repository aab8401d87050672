// Units as types: a duration, a point in time, a deadline, a rate; and the clock that is passed in.
// Units: nanoseconds inside; seconds (double) only where a number must leave C++ (Lua, JSON, metric names).
// Thread: values; a Clock belongs to its loop's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace lgen {

using Duration = std::chrono::nanoseconds;

/// Tag of the monotonic time line every TimePoint of lgen lies on (CLOCK_MONOTONIC).
struct Monotonic {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Monotonic, Duration>;
  static constexpr bool is_steady = true;
  static time_point now() noexcept;
};
using TimePoint = Monotonic::time_point;

inline constexpr TimePoint kNever = TimePoint::max();

/// The moment until which something may take; kNever: no limit.
using Deadline = TimePoint;

/// Events per second.
struct Rate {
  double per_second = 0;
};

/// Divided, not multiplied by 1e-9, which no double is: 30 s shall read 30, not 30.000000000000004.
inline double to_seconds(Duration d) { return static_cast<double>(d.count()) / 1e9; }

/// Seconds as they come from Lua or JSON; beyond ±292 years the value saturates, NaN becomes zero.
Duration from_seconds(double seconds);

/// One of the four seams: the real monotonic clock, or one that tests and `lgen check` advance by hand.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() const = 0;
  /// A manual clock jumps to `t` and returns true; the real one returns false: the caller has to wait.
  virtual bool advance_to(TimePoint t) = 0;
};

class RealClock final : public Clock {
 public:
  TimePoint now() const override { return Monotonic::now(); }
  bool advance_to(TimePoint) override { return false; }
};

class ManualClock final : public Clock {
 public:
  explicit ManualClock(TimePoint start = TimePoint{}) : now_(start) {}
  TimePoint now() const override { return now_; }
  bool advance_to(TimePoint t) override {
    if (t > now_) now_ = t;
    return true;
  }

 private:
  TimePoint now_;
};

/// Where the time of one call or stream went. Unset stamps are TimePoint{} (zero).
struct Timing {
  TimePoint intended;    // when the schedule wanted it (closed model: = started)
  TimePoint started;     // when the plan asked for it
  TimePoint sent;        // when the transport took the request
  TimePoint first_byte;  // when the first headers or bytes of the answer came
  TimePoint done;        // when the status was known, read before any plan code ran
};

}  // namespace lgen
