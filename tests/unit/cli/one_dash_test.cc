#include "one_dash.h"

#include "catch.h"

namespace lgen::cli {
namespace {

using Texts = std::vector<std::string>;

constexpr OptionRow kTable[] = {
    {"data", "JSON", "", "", "", false, 'd'},
    {"proto", "FILE", "", "", "", true},
    {"verbose", "", "", "", "", false, 'v'},
    {"vv", "", "", "", ""},
};
constexpr OptionAlias kOthers[] = {{"d", "data"}, {"v", "verbose"}, {"schema", "proto"}};

Result<Texts> doubled(const Texts& args, OneDash one_dash = OneDash::always) {
  std::vector<const OptionRow*> rows;
  for (const OptionRow& row : kTable) rows.push_back(&row);
  return double_dashes(rows, kOthers, args, one_dash);
}

TEST_CASE("any option may be written with one dash or two, by any of its names") {
  const auto [args, expected] = GENERATE(table<Texts, Texts>({
      {{"-proto", "a", "--proto", "b", "-proto=c"}, {"--proto", "a", "--proto", "b", "--proto", "c"}},
      {{"-schema", "a"}, {"--proto", "a"}},
      {{"-d", "{}", "--d", "{}"}, {"--data", "{}", "--data", "{}"}},
      {{"-v", "-vv"}, {"--verbose", "--vv"}},
      {{"-v=false"}, {"--verbose=false"}},
      {{"-d", "-1"}, {"--data=-1"}},
      {{"-d", ""}, {"--data", ""}},
      {{"-d="}, {"--data", ""}},
      {{"host:1", "-", "-h", "--help"}, {"host:1", "-", "-h", "--help"}},
      {{"--poto", "x", "-5"}, {"--poto", "x", "-5"}},
      {{"-help", "-x"}, {"--help", "-x"}},
      {{"--", "-d"}, {"--", "-d"}},
  }));
  CAPTURE(args);
  REQUIRE(doubled(args).ok());
  CHECK(*doubled(args) == expected);
}

TEST_CASE("what is refused is quoted as it was typed") {
  const auto [args, message] = GENERATE(table<Texts, std::string>({
      {{"-poto", "x"}, "unknown option -poto (did you mean '-proto'?)"},
      {{"a", "-poto=x"}, "unknown option -poto (did you mean '-proto'?)"},
      {{"-bogus"}, "unknown option -bogus"},
      {{"-v", "-d"}, "-d: its value is missing: JSON"},
      {{"--data"}, "--data: its value is missing: JSON"},
      {{"-schema"}, "-schema: its value is missing: FILE"},
  }));
  CAPTURE(args);
  REQUIRE_FALSE(doubled(args).ok());
  CHECK(doubled(args).error().message == message);
}

TEST_CASE("where letters are options, one dash and a whole name still mean that name") {
  const auto [args, expected] = GENERATE(table<Texts, Texts>({
      {{"-proto", "a", "--proto", "b", "-proto=c"}, {"--proto", "a", "--proto", "b", "--proto", "c"}},
      {{"-schema", "a", "--schema=b"}, {"--proto", "a", "--proto", "b"}},
      {{"-vv"}, {"--vv"}},
      {{"-vx", "-n5", "-poto"}, {"-vx", "-n5", "-poto"}},
      {{"--data", "--proto"}, {"--data=--proto"}},
      {{"--", "-proto"}, {"--", "-proto"}},
  }));
  CAPTURE(args);
  REQUIRE(doubled(args, OneDash::known_names).ok());
  CHECK(*doubled(args, OneDash::known_names) == expected);
}

TEST_CASE("the value of a letter is no option, whatever it looks like") {
  constexpr OptionRow kPath = {"import-paths", "DIR", "", "", "", true, 'i'};
  constexpr OptionRow kFile = {"proto", "FILE", "", "", ""};
  const auto words = double_dashes({&kPath, &kFile}, {}, {"-i", "-proto", "x"}, OneDash::known_names);
  REQUIRE(words.ok());
  CHECK(*words == Texts{"-i", "-proto", "x"});
}

}  // namespace
}  // namespace lgen::cli
