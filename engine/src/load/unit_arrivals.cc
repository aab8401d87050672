#include "unit_arrivals.h"

#include <cmath>

namespace lgen {
namespace {

/// SplitMix64's finalizer: every bit of the input changes half of the output's.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

}  // namespace

/// -ln(u), with u the middle of one of 2^53 equal parts of 0..1: never 0 and never 1.
double UnitArrivals::gap(std::uint64_t n) const {
  const auto part = static_cast<double>(mix(mix(seed_) ^ n) >> 11);
  return -std::log((part + 0.5) * 0x1p-53);
}

void UnitArrivals::restart() {
  number_ = 0;
  before_ = 0;
  here_ = gap(0);
}

void UnitArrivals::step() {
  before_ = here_;
  here_ += gap(++number_);
}

double UnitArrivals::at(std::uint64_t n) {
  if (here_ < 0 || n + 1 < number_) restart();
  if (n + 1 == number_) return before_;
  while (number_ < n) step();
  return here_;
}

std::uint64_t UnitArrivals::count_by(double position) {
  if (here_ < 0 || (number_ > 0 && before_ > position)) restart();
  while (here_ <= position) step();
  return number_;
}

}  // namespace lgen
