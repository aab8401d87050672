// Balancers played thousands of times: how often is the verdict wrong? And is the test of homogeneity what it says?
#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "catch.h"
#include "homogeneity.h"
#include "lgen/distribution.h"

using namespace lgen;

namespace {

struct Shape {
  std::size_t connections, streams, pods;
};

DistributionTable empty_table(const Shape& shape) {
  DistributionTable table;
  for (std::size_t i = 0; i < shape.connections; ++i) table.row_names.push_back("c" + std::to_string(i));
  for (std::size_t j = 0; j < shape.pods; ++j) table.col_names.push_back("pod" + std::to_string(j));
  table.counts.assign(shape.connections, std::vector<std::uint64_t>(shape.pods));
  return table;
}

using Random = std::mt19937_64;
std::size_t below(Random& random, std::size_t n) {
  return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
}

DistributionTable random_streams(const Shape& shape, Random& random) {
  DistributionTable table = empty_table(shape);
  for (auto& row : table.counts) {
    for (std::size_t i = 0; i < shape.streams; ++i) ++row[below(random, shape.pods)];
  }
  return table;
}

/// In turn over all pods, connections opening their streams one after another in random order.
DistributionTable round_robin(const Shape& shape, Random& random) {
  DistributionTable table = empty_table(shape);
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < shape.connections * shape.streams; ++i) order.push_back(i % shape.connections);
  std::shuffle(order.begin(), order.end(), random);
  for (std::size_t i = 0; i < order.size(); ++i) ++table.counts[order[i]][i % shape.pods];
  return table;
}

DistributionTable random_connections(const Shape& shape, Random& random) {
  DistributionTable table = empty_table(shape);
  for (auto& row : table.counts) row[below(random, shape.pods)] = shape.streams;
  return table;
}

/// Two zones of half the pods each; a connection goes to one of them, its streams to random pods of it.
DistributionTable random_zones(const Shape& shape, Random& random) {
  DistributionTable table = empty_table(shape);
  const std::size_t half = shape.pods / 2;
  for (auto& row : table.counts) {
    const std::size_t first = below(random, 2) * half;
    for (std::size_t i = 0; i < shape.streams; ++i) ++row[first + below(random, half)];
  }
  return table;
}

using Tally = std::map<VerdictKind, int>;

template <class Balancer>
Tally play(Balancer balancer, const Shape& shape, int times) {
  Tally tally;
  for (int seed = 0; seed < times; ++seed) {
    Random random(static_cast<std::uint64_t>(seed) * 7919 + shape.pods);
    ++tally[judge_distribution(balancer(shape, random)).kind];
  }
  return tally;
}

/// Draws the second and later rows from a first one's proportions: tables for the test of homogeneity alone.
CountMatrix skewed(const Shape& shape, Random& random) {
  CountMatrix counts(shape.connections, std::vector<std::uint64_t>(shape.pods));
  std::geometric_distribution<std::size_t> pod(0.3);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    for (std::size_t n = 0; n < shape.streams + i; ++n) ++counts[i][std::min(pod(random), shape.pods - 1)];
  }
  return counts;
}

}  // namespace

TEST_CASE("fair balancers are per stream, and never anything wrong") {
  for (const Shape& shape :
       {Shape{3, 10, 3}, Shape{3, 10, 10}, Shape{10, 5, 2}, Shape{20, 10, 4}, Shape{60, 33, 10}, Shape{30, 5, 50}}) {
    Tally streams = play(random_streams, shape, 300), turns = play(round_robin, shape, 100);
    INFO(shape.connections << " x " << shape.streams << " over " << shape.pods << ": "
                           << streams[VerdictKind::inconclusive] << " inconclusive");
    CHECK(streams[VerdictKind::per_connection] == 0);
    CHECK(streams[VerdictKind::per_stream_within_subset] == 0);
    CHECK(turns[VerdictKind::per_connection] == 0);
    CHECK(turns[VerdictKind::per_stream_within_subset] == 0);
    CHECK(streams[VerdictKind::inconclusive] <= 3);
    CHECK(turns[VerdictKind::inconclusive] <= 1);
  }
}

TEST_CASE("sticky balancers are per connection, or inconclusive, never anything else") {
  for (const Shape& shape : {Shape{3, 10, 3}, Shape{3, 5, 2}, Shape{10, 5, 4}, Shape{60, 33, 10}, Shape{200, 10, 50}}) {
    Tally tally = play(random_connections, shape, 400);
    INFO(shape.connections << " x " << shape.streams << " over " << shape.pods);
    CHECK(tally[VerdictKind::per_stream] == 0);
    CHECK(tally[VerdictKind::per_stream_within_subset] == 0);
    if (shape.connections >= 10) CHECK(tally[VerdictKind::per_connection] == 400);
  }
}

TEST_CASE("zoned balancers are per stream within a subset once there is enough to see") {
  for (const Shape& shape : {Shape{20, 10, 4}, Shape{20, 20, 6}, Shape{60, 33, 10}, Shape{200, 10, 4}}) {
    Tally tally = play(random_zones, shape, 60);
    INFO(shape.connections << " x " << shape.streams << " over " << shape.pods);
    CHECK(tally[VerdictKind::per_stream_within_subset] >= 59);
    CHECK(tally[VerdictKind::per_connection] == 0);
    CHECK(tally[VerdictKind::per_stream] == 0);
  }
  // Three connections may all land in one zone: then only its pods are seen, and over these it is per stream.
  Tally few = play(random_zones, {3, 10, 4}, 400);
  CHECK(few[VerdictKind::per_connection] == 0);
  CHECK(few[VerdictKind::per_stream] < 400 * 0.25 + 4 * 8.7);
  CHECK(few[VerdictKind::per_stream_within_subset] > 240);
}

TEST_CASE("the closed form of mean and variance is that of the shuffles") {
  // Every arrangement of three small tables, counted out: all distinct orders of the streams.
  for (const CountMatrix& counts :
       {CountMatrix{{2, 1}, {1, 3}}, CountMatrix{{1, 1, 2}, {2, 1, 0}}, CountMatrix{{4, 0}, {0, 1}, {2, 1}}}) {
    std::vector<std::size_t> columns;
    for (const auto& row : counts) {
      for (std::size_t j = 0; j < row.size(); ++j) columns.insert(columns.end(), row[j], j);
    }
    std::sort(columns.begin(), columns.end());
    double sum = 0, squares = 0, tables = 0;
    do {
      CountMatrix other(counts.size(), std::vector<std::uint64_t>(counts[0].size()));
      std::size_t at = 0;
      for (std::size_t i = 0; i < counts.size(); ++i) {
        std::uint64_t size = 0;
        for (const auto n : counts[i]) size += n;
        for (std::uint64_t n = 0; n < size; ++n) ++other[i][columns[at++]];
      }
      const double x = test_homogeneity(other).statistic;
      sum += x;
      squares += x * x;
      ++tables;
    } while (std::next_permutation(columns.begin(), columns.end()));
    const Homogeneity h = test_homogeneity(counts);
    CHECK(h.mean == Approx(sum / tables));
    CHECK(h.variance == Approx(squares / tables - (sum / tables) * (sum / tables)));
  }
}

TEST_CASE("p is uniform when rows do follow one distribution: below 0.05 about one time in twenty") {
  int low = 0, very_low = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Random random(seed);
    const double p = test_homogeneity(skewed({6, 12, 5}, random)).p;
    low += p < 0.05 ? 1 : 0;
    very_low += p < 0.001 ? 1 : 0;
  }
  CHECK(low > 25);
  CHECK(low < 80);
  CHECK(very_low <= 5);
}

TEST_CASE("shuffling and the gamma approximation agree where one hands over to the other") {
  // The same proportions, once below and once above 20,000 streams, with a deviation of the same significance.
  const auto tilted = [](std::uint64_t size, double tilt) {
    const auto shift = static_cast<std::uint64_t>(tilt * std::sqrt(static_cast<double>(size)));
    return CountMatrix{{size + shift, size, size}, {size, size + shift, size}, {size, size, size + shift}};
  };
  for (const double tilt : {0.5, 1.0, 1.5, 2.0}) {
    const double shuffled = test_homogeneity(tilted(2000, tilt)).p, gamma = test_homogeneity(tilted(8000, tilt)).p;
    INFO("tilt " << tilt << ": shuffled " << shuffled << ", gamma " << gamma);
    CHECK(gamma == Approx(shuffled).epsilon(0.25).margin(0.003));
  }
}

TEST_CASE("far out the bound settles it, at any size, and says so safely") {
  const Homogeneity h = test_homogeneity({{5'000'000, 0}, {0, 5'000'000}});
  CHECK(h.p < 0.001);
  CHECK(h.statistic == Approx(10'000'000));
}

TEST_CASE("tables without two rows or two columns are homogeneous") {
  CHECK(test_homogeneity({}).p == 1);
  CHECK(test_homogeneity({{5, 7}}).p == 1);
  CHECK(test_homogeneity({{5}, {7}}).p == 1);
  CHECK(test_homogeneity({{5, 0}, {7, 0}, {0, 0}}).p == 1);
  CHECK(test_homogeneity({{1, 0}, {0, 1}}).p == 1);
}
