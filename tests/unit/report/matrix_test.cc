#include "matrix.h"

#include "catch.h"
#include "names.h"

using namespace lgen;

namespace {

DistributionTable table_of(std::size_t rows, const std::vector<std::string>& cols) {
  DistributionTable table;
  for (std::size_t r = 0; r < rows; ++r) {
    table.row_names.push_back("main[" + std::to_string(r + 1) + "]#1");
    table.counts.emplace_back(cols.size(), 0);
    table.counts.back()[r % cols.size()] = 10;
  }
  table.col_names = cols;
  return table;
}

std::string print(const DistributionTable& table, std::size_t width) {
  Page page(width, false);
  print_matrix(page, table, 2);
  return page.text();
}

std::vector<std::string> pods(std::size_t n, const std::string& prefix) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < n; ++i) names.push_back(prefix + std::to_string(i + 1));
  return names;
}

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a small matrix keeps the full names, marks empty cells and adds up") {
  CHECK(print(table_of(3, {"pod-1", "pod-2", "pod-3"}), 80) ==
        "  channel  pod-1  pod-2  pod-3  sum\n"
        "  main[1]     10      ·      ·   10\n"
        "  main[2]      ·     10      ·   10\n"
        "  main[3]      ·      ·     10   10\n"
        "  sum         10     10     10   30\n"
        "  share      33%    33%    33%\n");
}

TEST_CASE("reconnects are folded into their channel and said so") {
  DistributionTable table = table_of(2, {"pod-1", "pod-2"});
  table.row_names = {"main[1]#1", "main[1]#2"};
  const std::string text = print(table, 80);
  CHECK(holds(text, "  main[1]     10     10   20\n"));
  CHECK(holds(text, "2 connections of 1 channel: one that reconnected may have landed elsewhere\n"));
}

TEST_CASE("names of a ReplicaSet's pods are cut to what tells them apart when they do not fit") {
  const std::string text = print(table_of(3, pods(6, "grpc-server-7d9c8b6f5-abc")), 80);
  CHECK(holds(text, "  channel  abc1  abc2  abc3  abc4  abc5  abc6  sum\n"));
  CHECK(holds(text, "  backends: grpc-server-7d9c8b6f5-*\n"));
}

TEST_CASE("few channels and many pods are shown the other way round") {
  const std::string text = print(table_of(3, pods(20, "server-")), 60);
  CHECK(holds(text, "  backend"));
  CHECK(holds(text, "main[3]"));
  CHECK(holds(text, "  server-20"));
}

TEST_CASE("columns that fit no other way are numbered, the last resort adds up the rest, unknown stays") {
  std::vector<std::string> names = pods(9, "");
  for (std::string& name : names) name = "p" + name + "-" + std::string(20, 'x') + name;
  CHECK(holds(print(table_of(9, names), 60), "1=p1-"));
  names = pods(40, "");
  for (std::string& name : names) name = "p" + name + "-" + std::string(20, 'x') + name;
  names.emplace_back("unknown");
  const std::string text = print(table_of(60, names), 80);
  CHECK(holds(text, " more unknown "));
  CHECK(holds(text, "… 37 more"));
  CHECK(holds(text, " 600\n"));
}

TEST_CASE("names are shortened by what they all share, at separators only") {
  struct Case {
    std::vector<std::string> names, cut;
    const char* pattern;
  };
  const Case cases[] = {
      {{"a-1", "a-2"}, {"1", "2"}, "a-*"},
      {{"10.0.0.11:50051", "10.0.0.12:50051"}, {"11", "12"}, "10.0.0.*:50051"},
      {{"pod1", "pod2"}, {"pod1", "pod2"}, ""},
      {{"a-1", "unknown", "a-2"}, {"1", "unknown", "2"}, "a-*"},
      {{"a-1"}, {"a-1"}, ""},
      {{"a-", "a-1"}, {"a-", "a-1"}, ""},
      {{"x-a", "x-a-b"}, {"a", "a-b"}, "x-*"},
      {{}, {}, ""},
  };
  for (const Case& c : cases) {
    const ShortNames cut = shorten_names(c.names);
    CHECK(cut.names == c.cut);
    CHECK(cut.pattern == c.pattern);
  }
}

TEST_CASE("words and numbers read as English") {
  CHECK(counted(1, "reconnect") == "1 reconnect");
  CHECK(counted(1234567, "stream") == "1,234,567 streams");
  CHECK(counted(2, "proxy") == "2 proxies");
  CHECK(join_words({"a"}) == "a");
  CHECK(join_words({"a", "b", "c"}) == "a, b and c");
  CHECK(elide_middle("loadtest-client-7d9c-abcde[0]", 16) == "loadt…c-abcde[0]");
}
