#include "lgen/distribution.h"

#include <cmath>
#include "catch.h"

using namespace lgen;

namespace {

using Counts = std::vector<std::vector<std::uint64_t>>;
using Sets = std::vector<std::vector<std::string>>;

/// Rows main[1]#1, main[2]#1, ...; columns pod-a, pod-b, ...
DistributionTable table_of(Counts counts, std::vector<std::string> columns = {}) {
  DistributionTable table;
  table.name = "test";
  for (std::size_t i = 0; i < counts.size(); ++i) table.row_names.push_back("main[" + std::to_string(i + 1) + "]#1");
  if (columns.empty()) {
    for (std::size_t j = 0; j < counts.at(0).size(); ++j) columns.push_back("pod-" + std::string(1, char('a' + j)));
  }
  table.col_names = columns;
  table.counts = std::move(counts);
  return table;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Counts repeat(const Counts& pattern, std::size_t times) {
  Counts out;
  for (std::size_t i = 0; i < times; ++i) out.insert(out.end(), pattern.begin(), pattern.end());
  return out;
}

void append(Counts& to, const Counts& more, std::size_t times) {
  const Counts rows = repeat(more, times);
  to.insert(to.end(), rows.begin(), rows.end());
}

/// A burst of `streams` dealt in turn over columns first .. first + size - 1 of `columns`, starting at `offset`.
std::vector<std::uint64_t> dealt(std::size_t columns, std::size_t first, std::size_t size, std::size_t streams,
                                 std::size_t offset) {
  std::vector<std::uint64_t> row(columns);
  for (std::size_t i = 0; i < streams; ++i) ++row[first + (offset + i) % size];
  return row;
}

}  // namespace

TEST_CASE("the shapes that HAProxy makes get the verdict they deserve") {
  struct Row {
    const char* scenario;
    Counts counts;
    VerdictKind kind;
  };
  for (const Row& row :
       {Row{"tcp, 3 connections x 10", {{10, 0, 0}, {0, 10, 0}, {0, 0, 10}}, VerdictKind::per_connection},
        Row{"tcp, 1 connection x 30", {{30, 0, 0}}, VerdictKind::inconclusive},
        Row{"tcp, 3 connections on one pod", {{10}, {10}, {10}}, VerdictKind::inconclusive},
        Row{"tcp, 20 connections x 100 over 3", repeat({{100, 0, 0}, {0, 100, 0}, {0, 0, 100}, {0, 100, 0}}, 5),
            VerdictKind::per_connection},
        Row{"http, 1 connection x 30", {{10, 10, 10}}, VerdictKind::per_stream},
        Row{"http, 3 connections x 10 in turn", {{4, 3, 3}, {3, 4, 3}, {3, 3, 4}}, VerdictKind::per_stream},
        Row{"http, unequal weights", repeat({{14, 5, 1}, {13, 6, 1}, {14, 4, 2}}, 3), VerdictKind::per_stream},
        Row{"http, in turn over all, and the clients take turns, too",
            {{245, 92, 135}, {116, 93, 193}, {88, 263, 121}},
            VerdictKind::per_stream},
        Row{"zones that keep 80 % of their own", repeat({{40, 40, 10, 10}, {10, 10, 40, 40}}, 5),
            VerdictKind::inconclusive},
        Row{"http, and a third pod that came for the last ones",
            {{50, 50, 0}, {50, 50, 0}, {33, 33, 34}},
            VerdictKind::inconclusive},
        Row{"zones, 3 connections x 10 over 2 + 2",
            {{5, 5, 0, 0}, {0, 0, 5, 5}, {5, 5, 0, 0}},
            VerdictKind::per_stream_within_subset},
        Row{"zones, 20 connections x 100 over 3 + 3", repeat({{34, 33, 33, 0, 0, 0}, {0, 0, 0, 33, 33, 34}}, 10),
            VerdictKind::per_stream_within_subset}}) {
    const Verdict verdict = judge_distribution(table_of(row.counts));
    INFO(row.scenario << ": " << verdict.why);
    CHECK(to_string(verdict.kind) == to_string(row.kind));
    CHECK(!verdict.why.empty());
  }
}

TEST_CASE("each verdict says what a platform engineer needs") {
  const Verdict connection = judge_distribution(table_of({{10, 0, 0}, {0, 10, 0}, {0, 0, 10}}));
  CHECK(connection.why ==
        "every one of 3 connections stayed on one of 3 backends; by chance 1 in 1e12. New backends get load only when "
        "connections are made anew");
  CHECK(connection.p == Approx(std::pow(3, -27)));
  CHECK(connection.subsets == Sets{{"pod-a"}, {"pod-b"}, {"pod-c"}});

  const Verdict stream = judge_distribution(table_of({{4, 3, 3}, {3, 4, 3}, {3, 3, 4}}));
  CHECK(stream.why ==
        "the streams of 3 connections spread over all 3 backends in one common proportion (33.3 % to 33.3 % each; "
        "homogeneity p = 1). New backends get load from the next stream on");
  CHECK(stream.subsets == Sets{{"pod-a", "pod-b", "pod-c"}});
  CHECK(stream.p == 1);

  const Verdict zones = judge_distribution(table_of({{5, 5, 0, 0}, {0, 0, 5, 5}, {5, 5, 0, 0}}));
  CHECK(
      zones.why ==
      "each of 3 connections spread its streams inside one of 2 sets of backends only "
      "(0 % of the connections astray; one common distribution: p < 0.001). The load of a set follows its connections, "
      "so look at zones, or at proxies with backends of their own");
  CHECK(zones.subsets == Sets{{"pod-a", "pod-b"}, {"pod-c", "pod-d"}});
  CHECK(zones.p < 0.001);
}

TEST_CASE("an inconclusive verdict says which reason holds and what would settle it") {
  struct Row {
    const char* scenario;
    DistributionTable table;
    std::vector<std::string> parts;
  };
  DistributionTable clients = table_of({{2, 0}, {0, 2}});
  clients.rows = "client";
  for (const Row& row :
       {Row{"no stream", table_of({{0, 0}}), {"no stream was served", "look at the errors"}},
        Row{"all unknown", table_of({{10}, {10}}, {"unknown"}), {"20 of 20 streams (100 %)", "x-backend"}},
        Row{"6 % unknown",
            table_of({{44, 3}, {50, 3}}, {"pod-a", "unknown"}),
            {"6 of 100 streams (6 %)", "at most 5 %"}},
        Row{"one pod, one connection",
            table_of({{30}}),
            {"one backend (pod-a) served all 30 streams of 1 connection", "--channels 3", "at least two backends"}},
        Row{"one pod, three connections",
            table_of({{10}, {10}, {10}}),
            {"one backend (pod-a) served all 30 streams of 3 connections", "--channels 9"}},
        Row{"two streams a connection",
            table_of({{2, 0, 0}, {1, 1, 0}, {0, 1, 1}}),
            {"only 2 streams per connection, 5 are needed", "e.g. --streams 30"}},
        Row{"rows that are no connections have no flags",
            clients,
            {"only 2 streams per client, 5 are needed to tell; run with more"}},
        Row{"stayed, by chance",
            table_of({{5, 0}, {0, 5}}),
            {"every one of 2 connections stayed on one backend", "chance 0.0039", "--streams 22"}},
        Row{"sets, by chance",
            table_of({{3, 2, 0, 0}, {0, 0, 3, 2}}),
            {"seem to use separate sets of backends ({pod-a, pod-b}, {pod-c, pod-d})", "10 streams on 2 connections",
             "--streams 40"}},
        Row{"mixed",
            table_of(repeat({{10, 0}, {0, 10}, {5, 5}, {4, 6}}, 3)),
            {"mixed: 6 of 12 connections stayed on one backend, 6 spread", "p < 0.001", "Repeat with a steady set"}},
        Row{"sticky but for two",
            [] {
              Counts counts = repeat({{30, 0, 0}, {0, 30, 0}, {0, 0, 30}}, 10);
              counts[4] = {1, 29, 0};
              counts[8] = {0, 2, 28};
              return table_of(counts);
            }(),
            {"mixed: 28 of 30 connections stayed on one backend, these did not: main[5]#1, main[9]#1"}}}) {
    const Verdict verdict = judge_distribution(row.table);
    INFO(row.scenario << ": " << verdict.why);
    CHECK(to_string(verdict.kind) == "inconclusive");
    for (const std::string& part : row.parts) {
      INFO("expected: " << part);
      CHECK(contains(verdict.why, part));
    }
  }
}

TEST_CASE("flags are only named where the rows are connections") {
  DistributionTable table = table_of({{2, 0}, {0, 2}});
  table.rows = "client";
  CHECK_FALSE(contains(judge_distribution(table).why, "--"));
}

TEST_CASE("following the advice on streams settles the verdict") {
  CHECK(judge_distribution(table_of({{11, 0}, {0, 11}})).kind == VerdictKind::per_connection);  // --streams 22
  CHECK(judge_distribution(table_of({{10, 0}, {0, 10}})).kind == VerdictKind::inconclusive);
  CHECK(judge_distribution(table_of({{10, 10, 0, 0}, {0, 0, 10, 10}})).kind ==
        VerdictKind::per_stream_within_subset);  // --streams 40
}

TEST_CASE("up to 5 % unknown streams are tolerated and no backend of their own") {
  const Verdict verdict = judge_distribution(table_of({{19, 0, 1}, {0, 19, 1}}, {"pod-a", "pod-b", "unknown"}));
  CHECK(verdict.kind == VerdictKind::per_connection);
  CHECK(verdict.subsets.size() == 2);
}

TEST_CASE("a connection's life is a row: short rows after a reconnect neither prove nor spoil anything") {
  Counts counts = {{10, 0, 0}, {0, 10, 0}, {0, 0, 10}};
  append(counts, {{0, 3, 0}, {4, 0, 0}, {0, 0, 1}}, 1);
  const Verdict verdict = judge_distribution(table_of(counts));
  CHECK(verdict.kind == VerdictKind::per_connection);
  CHECK(
      contains(verdict.why, "every one of 3 connections stayed on one of 3 backends (3 connections with fewer than 5"));

  // The same lives written as one row per channel look like something else: this is why a reconnect starts a new row.
  CHECK(judge_distribution(table_of({{10, 3, 0}, {4, 10, 0}, {0, 0, 11}})).kind != VerdictKind::per_connection);
}

TEST_CASE("sets hold with up to 10 % of the rows astray, not with more") {
  struct Row {
    std::size_t strays;
    VerdictKind kind;
  };
  for (const Row& row : {Row{0, VerdictKind::per_stream_within_subset}, Row{60, VerdictKind::per_stream_within_subset},
                         Row{100, VerdictKind::per_stream_within_subset}, Row{140, VerdictKind::inconclusive}}) {
    Counts counts = repeat({{5, 5, 0, 0}, {0, 0, 5, 5}}, 500);
    for (std::size_t i = 0; i < row.strays; ++i) {
      auto& cells = counts[i * 7];  // even and odd rows, so strays go both ways
      const std::size_t from = cells[0] > 0 ? 0 : 2, to = (from + 2 + i / 2 % 2) % 4;
      --cells[from];
      ++cells[to];
    }
    const Verdict verdict = judge_distribution(table_of(counts));
    INFO(row.strays << " strays: " << verdict.why);
    CHECK(to_string(verdict.kind) == to_string(row.kind));
    if (row.kind == VerdictKind::per_stream_within_subset) {
      CHECK(verdict.astray == Approx(static_cast<double>(row.strays) / 1000));
      CHECK(verdict.subsets == Sets{{"pod-a", "pod-b"}, {"pod-c", "pod-d"}});
    }
  }
}

TEST_CASE("rows that spread inside their set include unlucky ones, but not sticky ones") {
  // 5 streams over two pods stay on one of them once in 16.
  Counts lucky = repeat({{3, 2, 0, 0}, {0, 0, 2, 3}, {1, 4, 0, 0}, {0, 0, 3, 2}}, 8);
  lucky[0] = {5, 0, 0, 0};
  lucky[1] = {0, 0, 5, 0};
  CHECK(judge_distribution(table_of(lucky)).kind == VerdictKind::per_stream_within_subset);
  Counts sticky = repeat({{5, 5, 0, 0}, {0, 0, 5, 5}, {10, 0, 0, 0}, {0, 0, 0, 10}}, 8);
  CHECK(judge_distribution(table_of(sticky)).kind == VerdictKind::inconclusive);
}

TEST_CASE("many bursts of ten on disjoint pod sets of sizes 1, 2 and 4 are per stream within a subset") {
  // The shape of 822 published bursts: 9 stayed on one pod, 232 went to exactly 2 and 520 to exactly 4.
  Counts counts;
  for (std::size_t i = 0; i < 9; ++i) counts.push_back(dealt(7, 0, 1, 10, i));
  for (std::size_t i = 0; i < 232; ++i) counts.push_back(dealt(7, 1, 2, 10, i));
  for (std::size_t i = 0; i < 520; ++i) counts.push_back(dealt(7, 3, 4, 10, i));
  // Of the remaining 61 some met three of their four pods, some crossed over when a pod was replaced.
  for (std::size_t i = 0; i < 40; ++i) counts.push_back(dealt(7, 3 + i % 2, 3, 10, i));
  for (std::size_t i = 0; i < 21; ++i) {
    counts.push_back(dealt(7, 3, 4, 9, i));
    ++counts.back()[1 + i % 2];
  }
  REQUIRE(counts.size() == 822);
  const Verdict verdict = judge_distribution(table_of(counts));
  INFO(verdict.why);
  CHECK(verdict.kind == VerdictKind::per_stream_within_subset);
  CHECK(verdict.subsets == Sets{{"pod-a"}, {"pod-b", "pod-c"}, {"pod-d", "pod-e", "pod-f", "pod-g"}});
  CHECK(verdict.astray == Approx(21.0 / 822));
}

TEST_CASE("backends dealt in turn over more pods than a connection has streams are no proof of sets") {
  const Verdict verdict = judge_distribution(table_of({dealt(10, 0, 5, 5, 0), dealt(10, 5, 5, 5, 0)}));
  INFO(verdict.why);
  CHECK(verdict.kind == VerdictKind::inconclusive);
}

TEST_CASE("the same table gets the same verdict every time") {
  const DistributionTable table = table_of({{7, 2, 1}, {2, 7, 3}, {3, 3, 6}});
  const Verdict a = judge_distribution(table), b = judge_distribution(table);
  CHECK(a.p == b.p);
  CHECK(a.why == b.why);
}

TEST_CASE("rows and columns come in natural order, unknown last, counts in their places") {
  Distribution d("streams");
  d.add("ch10", "pod-2");
  d.add("ch2", "unknown", 2);
  d.add("ch2", "pod-10", 3);
  d.add("ch2", "zebra");
  d.add("ch2", "pod-10");
  const DistributionTable table = d.table();
  CHECK(table.name == "streams");
  CHECK(table.rows == "connection");
  CHECK(table.row_names == std::vector<std::string>{"ch2", "ch10"});
  CHECK(table.col_names == std::vector<std::string>{"pod-2", "pod-10", "zebra", "unknown"});
  CHECK(table.counts == Counts{{0, 4, 1, 2}, {1, 0, 0, 0}});
  CHECK(table.total() == 8);
}

TEST_CASE("connections fold into their channel") {
  DistributionTable table = table_of({{1, 2}, {3, 4}, {5, 6}, {7, 8}});
  table.row_names = {"main[1]#1", "main[1]#12", "main[2]#1", "odd#name"};
  const DistributionTable folded = fold_rows(table);
  CHECK(folded.row_names == std::vector<std::string>{"main[1]", "main[2]", "odd#name"});
  CHECK(folded.counts == Counts{{4, 6}, {5, 6}, {7, 8}});
  CHECK(folded.total() == table.total());
}

TEST_CASE("evenness is 1 for equal loads, falls with skew, and leaves out unknown") {
  struct Row {
    Counts counts;
    double jain, max_over_mean;
  };
  for (const Row& row : {Row{{{10, 10, 10}}, 1, 1}, Row{{{30, 0, 0}}, 1.0 / 3, 3},
                         Row{{{2, 1, 1}, {2, 1, 1}}, 8.0 / 9, 1.5}, Row{{{0, 0, 0}}, 0, 0}}) {
    CHECK(jain_index(table_of(row.counts)) == Approx(row.jain));
    CHECK(max_over_mean(table_of(row.counts)) == Approx(row.max_over_mean));
  }
  CHECK(jain_index(table_of({{5, 5, 90}}, {"a", "b", "unknown"})) == Approx(1));
}
