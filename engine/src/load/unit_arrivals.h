// The points of a Poisson process of rate one: prefix sums of exponentially distributed gaps, each gap a hash of the
// seed and its number. So every rank of a run computes the same points and takes its own, and asking again gives the
// same answer; asking in order costs one gap each, asking back starts over.
// Thread: the loop's.
#pragma once

#include <cstdint>

namespace lgen {

class UnitArrivals {
 public:
  explicit UnitArrivals(std::uint64_t seed) : seed_(seed) {}

  /// Where point `n` (0-based) lies.
  double at(std::uint64_t n);
  /// How many points lie at or before `position`.
  std::uint64_t count_by(double position);

 private:
  void restart();
  void step();
  double gap(std::uint64_t n) const;

  std::uint64_t seed_;
  std::uint64_t number_ = 0;       // of the point at here_
  double before_ = 0, here_ = -1;  // point number_ - 1 (0: there is none) and point number_; -1: not begun
};

}  // namespace lgen
