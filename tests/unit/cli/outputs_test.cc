#include "outputs.h"

#include <algorithm>
#include <string>
#include <vector>

#include "catch.h"

namespace lgen::cli {
namespace {

TEST_CASE("what stands behind --out") {
  struct Row {
    std::string text, format, where;
  };
  const std::vector<Row> rows = {
      {"json=r.json", "json", "r.json"},     {"json=-", "json", "-"},
      {"json=a=b.json", "json", "a=b.json"}, {"json=one, two.json", "json", "one, two.json"},
      {"r.json", "json", "r.json"},          {"some/where/r.json", "json", "some/where/r.json"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto request = parse_output(row.text);
    REQUIRE(request);
    CHECK(request->format->name == row.format);
    CHECK(request->where == row.where);
    CHECK(request->on_stdout() == (row.where == "-"));
  }
}

TEST_CASE("what --out refuses") {
  struct Row {
    std::string text, message;
  };
  const std::vector<Row> rows = {
      {"jsn=r.json", "unknown format 'jsn' (did you mean 'json'?); there"},
      {"jsno", "unknown format 'jsno' (did you mean 'json'?)"},
      {"protobuf=r.pb", "unknown format 'protobuf'; there"},
      {"json", "json: to which file? json=FILE, or json=- for standard output"},
      {"json=", "json: to which file?"},
      {"r.txt", "'r.txt' does not tell its format; write FORMAT=FILE"},
      {".json", "'.json' does not tell its format"},
      {"-", "'-' does not tell its format"},
      {"", "'' does not tell its format"},
      {"=x", "unknown format ''"},
      {"json=r.json,rate=5", "json: unknown key 'rate'; it has none"},
  };
  for (const Row& row : rows) {
    INFO(row.text);
    const auto request = parse_output(row.text);
    REQUIRE(!request);
    CHECK(request.error().message.substr(0, row.message.size()) == row.message);
  }
}

TEST_CASE("two outputs never share a place") {
  const std::vector<std::string> apart = {"json=a.json", "json=b.json", "json=-"};
  REQUIRE(parse_outputs(apart));
  CHECK(takes_stdout(*parse_outputs(apart)));
  const std::vector<std::string> file = {"json=a.json", "a.json"}, terminal = {"json=-", "json=-"};
  REQUIRE(!parse_outputs(file));
  CHECK(parse_outputs(file).error().message ==
        "--out: both json and json would go to a.json; give each a place of its own");
  REQUIRE(!parse_outputs(terminal));
  CHECK(parse_outputs(terminal).error().message ==
        "--out: both json and json would go to standard output; give each a place of its own");
}

TEST_CASE("every format is either rendered or lives with the run") {
  for (const OutputFormat& format : output_formats()) {
    INFO(format.name);
    CHECK((format.render != nullptr) != (format.open != nullptr));
    CHECK(!format.help.empty());
    CHECK(std::none_of(format.name.begin(), format.name.end(), [](char c) { return c == '.' || c == '='; }));
  }
}

}  // namespace
}  // namespace lgen::cli
