// Do the rows of a table follow one common distribution? Chi-square against random tables with the same margins.
// Thread: a pure function with a fixed seed.
#pragma once

#include <cstdint>
#include <vector>

namespace lgen {

using CountMatrix = std::vector<std::vector<std::uint64_t>>;

struct Homogeneity {
  double statistic = 0;
  double mean = 0, variance = 0;  // of the statistic over all tables with these margins
  double p = 1;                   // share of those tables that are at least as uneven; see homogeneity.cc
};

Homogeneity test_homogeneity(const CountMatrix& counts);

}  // namespace lgen
