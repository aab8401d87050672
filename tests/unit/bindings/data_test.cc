// lgen.data: files that are right, files that are wrong, who gets which row, and secrets.
#include <fmt/format.h>
#include <malloc.h>

#include <map>
#include <variant>

#include "data_files.h"
#include "folder.h"
#include "plan_support.h"

namespace lgen {
namespace {

using lua::CsvFormat;
using lua::DataSet;
using test::Folder;
using test::PlanRun;

/// Rows as "a|b;c|d".
std::string text_of(const DataSet& set) {
  std::string text;
  for (std::size_t i = 0; i < set.size(); ++i) {
    text += i == 0 ? "" : ";";
    bool first = true;
    set.each(i, [&](const lua::Cell& cell) {
      text += first ? "" : "|";
      text += cell.bytes;
      first = false;
    });
  }
  return text;
}

struct File {
  std::string text, result;  // the rows, or the message behind "FILE:"
};

template <class Read>
void try_files(const std::vector<File>& files, Read read) {
  const Folder folder;
  const std::string path = folder.path("f");
  for (const File& file : files) {
    folder.write("f", file.text);
    INFO(file.text);
    const Result<DataSet> set = read(path);
    if (set) {
      CHECK(text_of(*set) == file.result);
    } else {
      CHECK(set.error().message == path + ":" + file.result);
    }
  }
}

TEST_CASE("CSV is read as RFC 4180 has it") {
  const std::string quote_within = "a quote inside a value without quotes; write \"…\"\"…\"";
  try_files(
      {
          {"a,b\n1,2\n", "1|2"},
          {"a,b\n1,2", "1|2"},
          {"a,b\r\n1,2\r\n3,4\r\n", "1|2;3|4"},
          {"\xEF\xBB\xBF"
           "a,b\n1,2\n",
           "1|2"},
          {"a,b\n\n1,2\n\r\n\n3,4\n\n", "1|2;3|4"},
          {"a\n1\n\"\"\n", "1;"},
          {"a,b\n\"1\",\"2\"\r\n", "1|2"},
          {"a,b\n\"x,y\",\"p\r\nq\"\n", "x,y|p\r\nq"},
          {"a,b\n\"say \"\"hi\"\"\",\"\"\n", "say \"hi\"|"},
          {"a,b\n\"1\",2\r", "1|2"},
          {"a,b\n ,\n", " |"},
          {"\"a b\",\"c\"\n1,2\n", "1|2"},
          {"a,b\n1,\xC3\xA4\n", "1|\xC3\xA4"},
          {"a,b\n1\n", "2: 1 value, but 2 columns: a, b"},
          {"a,b\n1,2\n3,4,5\n", "3: 3 values, but 2 columns: a, b"},
          {"a,b\n\"x\ny\",2\n3\n", "4: 1 value, but 2 columns: a, b"},
          {"a\n1,2\n", "2: 2 values, but 1 column: a"},
          {"a,b\n1,\"2\n3,4\n", "2: the quote that opens here is never closed"},
          {"a,b\n1,\"2\"x\n", "2: text behind a closing quote; a quote inside a value is written twice"},
          {"a,b\n1,2\n3,x\"y\n", "3: " + quote_within},
          {"a,\"b\n1,2", "1: the quote that opens here is never closed"},
          {"a,a\n1,2\n", "1: two columns are called 'a'; where no row names them write columns = …"},
          {"a,\n1,2\n", "1: column 2 has no name; where no row names them write columns = …"},
          {"a,b\n1,\xE9\n", "2: the value of 'b' is not UTF-8; convert the file (iconv -f latin1 -t utf-8)"},
          {"\xFF\xFE"
           "a",
           " it is UTF-16; convert it to UTF-8 (iconv -f utf-16 -t utf-8)"},
          {"a,b\n", " it has a header and no rows"},
          {"", " the file is empty"},
          {"\xEF\xBB\xBF", " the file is empty"},
      },
      [](const std::string& path) { return lua::read_csv(path, {}); });
}

TEST_CASE("CSV may have other delimiters and no header") {
  const auto read = [](const std::string& path) {
    return lua::read_csv(path, CsvFormat{.delimiter = ';', .columns = {"x", "y"}});
  };
  try_files({{"1;2,5\n", "1|2,5"},
             {"\"a;b\";c\n", "a;b|c"},
             {"1\n", "1: 1 value, but 2 columns: x, y"},
             {"\n", " it has no rows"}},
            read);
}

TEST_CASE("JSON is an array of objects, or an object a line") {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  try_files(
      {
          {R"([{"a": "x", "b": "y"}, {"b": "z"}])", "x|y;z"},
          {R"({"a": "x"})", "x"},
          {"\xEF\xBB\xBF{\"a\": \"x\"}\r\n\n{\"a\": \"\\u00e4\"}\n", "x;\xC3\xA4"},
          {R"([{"a": {"b": [1, "ö"]}, "c": null}])", R"({"b":[1,"ö"]})"},
          {"\n [{\"a\": \"x\"}]", "x"},
          {"[]", " the array is empty"},
          {" \n ", " the file is empty"},
          {"", " the file is empty"},
          {"[{\"a\": 1}, 7]", " row 2: an object expected, got number"},
          {"[[1]]", " row 1: an object expected, got array"},
          {"{\"a\": 1}\n[1]\n", "2: row 2: an object expected, got array"},
          {"\nhello", "2: neither an array of objects nor an object a line"},
          {"[{\"a\": 1},\n {\"a\": secret}]", "2: column 8: syntax error while parsing value - invalid literal"},
          {"{\"a\": 1}\n{\"a\": \"top-secret}\n",
           "2: column 19: syntax error while parsing value - invalid string: missing closing quote"},
          {"[{\"a\": 1}", "1: column 10: syntax error while parsing array - unexpected end of input; expected ']'"},
          {"[{\"a\": 1e999}]", "1: number overflow"},
          {"[{\"a\": " + deep + "}]", " row 1: nested too deep"},
          {"{\"a\": " + deep + "}", "1: nested too deep"},
      },
      [](const std::string& path) { return lua::read_json(path); });
}

TEST_CASE("lines are lines, and bytes") {
  try_files(
      {{"a\nb\n", "a;b"}, {"a\r\n\r\nb", "a;;b"}, {"\xFE\xFD\n", "\xFE\xFD"}, {"\n", ""}, {"", " the file is empty"}},
      [](const std::string& path) { return lua::read_lines(path); });
}

TEST_CASE("what is no file is told") {
  const Folder folder;
  CHECK(lua::read_csv(folder.path("none.csv"), {}).error().message ==
        folder.path("none.csv") + ": No such file or directory");
  CHECK(lua::read_json(folder.path()).error().message == folder.path() + ": it is a directory; name the file");
}

TEST_CASE("a value may be larger than a block, and numbers keep every bit") {
  DataSet set;
  const std::string large(3'000'000, 'x');
  for (int i = 0; i < 3; ++i) {
    set.put(set.column("text"), large);
    set.put_integer(set.column("n"), INT64_MIN + i);
    set.add_row();
  }
  set.each(2, [&](const lua::Cell& cell) {
    if (cell.column == 0) CHECK(cell.bytes == large);
    if (cell.column == 1) CHECK(cell.bytes.size() == 8);
  });
  CHECK(set.size() == 3);
  CHECK(set.columns() == std::vector<std::string>{"text", "n"});
}

TEST_CASE("plans get rows as the plan API says") {
  PlanRun run(LGEN_LUA_TESTS "/data.lua");
  REQUIRE(run.load() == "");
  test::require_clean(run.run());
}

/// The error of loading a plan with `line` as its second line, its file.csv beside it.
std::string refusal(const std::string& line) {
  const Folder folder;
  folder.write("users.csv", "name,password\nada,hunter22\n");
  folder.write("plan.lua", "local lgen = require \"lgen\"\n" + line + "\n");
  PlanRun run(folder.path("plan.lua"));
  std::string message = run.load();
  for (std::size_t at; (at = message.find(folder.path() + "/")) != std::string::npos;) {
    message.erase(at, folder.path().size() + 1);
  }
  return message;
}

TEST_CASE("what a plan gets wrong is told with its line") {
  const std::pair<std::string, std::string> rows[] = {
      {"lgen.data.csv('user.csv')", "lgen.data.csv: user.csv: No such file or directory"},
      {"lgen.data.csv()", "lgen.data.csv: path: string expected, got nothing"},
      {"lgen.data.csv('users.csv', 5)", "lgen.data.csv \"users.csv\": table expected, got number 5"},
      {"lgen.data.csv('users.csv', {colums = {'a'}})",
       "lgen.data.csv \"users.csv\": unknown option 'colums' (did you mean 'columns'?)"},
      {"lgen.data.json('users.csv', {delimiter = ';'})",
       "lgen.data.json \"users.csv\": unknown option 'delimiter' (it takes: on_end, secret)"},
      {"lgen.data.csv('users.csv', {on_end = 'stopp'})",
       "lgen.data.csv \"users.csv\": on_end: 'stopp' is none of wrap, stop and error (did you mean 'stop'?)"},
      {"lgen.data.csv('users.csv', {delimiter = ', '})",
       "lgen.data.csv \"users.csv\": delimiter: one character expected, and no quote or line end"},
      {"lgen.data.csv('users.csv', {columns = {'a', 'a'}})", "lgen.data.csv: columns: two columns are called 'a'"},
      {"lgen.data.csv('users.csv', {columns = {'a'}})", "lgen.data.csv: users.csv:1: 2 values, but 1 column: a"},
      {"lgen.data.csv('users.csv', {secret = {'pasword'}})",
       "lgen.data.csv \"users.csv\": secret: no column 'pasword' (did you mean 'password'?)"},
      {"lgen.data.csv('users.csv', {secret = 'password'})",
       "lgen.data.csv \"users.csv\": secret: boolean expected, got string \"password\""},
      {"lgen.data.csv('users.csv'):at(1).pasword()", "the row has no column 'pasword' (did you mean 'password'?)"},
      {"lgen.data.tsv('users.csv')", "lgen.data has no function or field 'tsv' (did you mean 'csv'?)"},
      {"error(lgen.data.csv('users.csv', {secret = true}):at(1).password)", "***"},
  };
  for (const auto& [line, message] : rows) {
    INFO(line);
    CHECK(refusal(line) == "plan.lua:2: " + message);
  }
}

/// Runs `vus` users for `iterations` each with numbers.txt (1..rows) as `numbers`; the checks' details of what they
/// got.
Summary run_with_numbers(int rows, const std::string& options, const std::string& load, const std::string& body,
                         Slice slice = {}) {
  const Folder folder;
  std::string text;
  for (int i = 1; i <= rows; ++i) text += std::to_string(i) + "\n";
  folder.write("numbers.txt", text);
  folder.write("plan.lua",
               "local lgen = require \"lgen\"\n"
               "local numbers = lgen.data.lines(\"numbers.txt\", {" +
                   options +
                   "})\n"
                   "local got = lgen.counter(\"got\", { labels = { \"row\", \"vu\" } })\n"
                   "lgen.scenario(\"test\", { load = lgen.load." +
                   load + ", run = function(vu)\n" + body + "\nend })\n");
  PlanInput input;
  input.slice = slice;
  PlanRun run(folder.path("plan.lua"), {}, std::move(input));
  REQUIRE(run.load() == "");
  return run.run();
}

/// "row:count" for every row that came, in their order.
std::string rows_of(const Summary& summary) {
  std::map<int, int> counts;
  for (const SeriesSnapshot& series : summary.metrics.find("got")->series) {
    for (const auto& [name, value] : series.labels) {
      if (name == "row") counts[std::stoi(value)] += static_cast<int>(series.value);
    }
  }
  std::string text;
  for (const auto& [row, count] : counts) text += fmt::format("{}{}:{}", text.empty() ? "" : " ", row, count);
  return text;
}

constexpr const char* kTake = "got:add(1, { row = numbers:next() }) lgen.yield()";

TEST_CASE("all virtual users take from one sequence") {
  const Summary summary = run_with_numbers(4, "", "per_vu_iterations { vus = 3, iterations = 2 }", kTake);
  CHECK(rows_of(summary) == "1:2 2:2 3:1 4:1");
}

TEST_CASE("a scenario ends with its data, and no iteration fails") {
  const Summary summary =
      run_with_numbers(5, "on_end = \"stop\"", "constant_vus { vus = 2, duration = \"1h\" }", kTake);
  CHECK(rows_of(summary) == "1:1 2:1 3:1 4:1 5:1");
  CHECK(summary.errors.empty());
}

TEST_CASE("a task below an iteration ends with the data, too") {
  const Summary summary = run_with_numbers(
      3, "on_end = \"stop\"", "constant_vus { vus = 1, duration = \"1h\" }",
      "lgen.all { function() while true do got:add(1, { row = numbers:next() }) lgen.yield() end end }");
  CHECK(rows_of(summary) == "1:1 2:1 3:1");
  CHECK(summary.errors.empty());
}

TEST_CASE("iterations beyond the data fail where that is wanted") {
  const Summary summary =
      run_with_numbers(2, "on_end = \"error\"", "per_vu_iterations { vus = 1, iterations = 5 }", kTake);
  CHECK(rows_of(summary) == "1:1 2:1");
  REQUIRE(summary.errors.size() == 1);
  CHECK(summary.errors[0].count == 3);
  CHECK(summary.errors[0].message.ends_with("lgen.data.lines \"numbers.txt\": all 2 rows are used"));
}

TEST_CASE("every virtual user has a row of its own") {
  const std::string body = "got:add(1, { row = numbers:for_vu(vu), vu = vu.id })";
  const Summary summary = run_with_numbers(2, "", "per_vu_iterations { vus = 3, iterations = 10 }", body);
  CHECK(test::value_of(summary, "got", make_labels({{"scenario", "test"}, {"row", "1"}, {"vu", "1"}})) == 10);
  CHECK(test::value_of(summary, "got", make_labels({{"scenario", "test"}, {"row", "2"}, {"vu", "2"}})) == 10);
  CHECK(test::value_of(summary, "got", make_labels({{"scenario", "test"}, {"row", "1"}, {"vu", "3"}})) == 10);
  const Summary strict =
      run_with_numbers(2, "on_end = \"error\"", "per_vu_iterations { vus = 3, iterations = 10 }", body);
  CHECK(rows_of(strict) == "1:10 2:10");
  CHECK(
      strict.errors.at(0).message.ends_with("lgen.data.lines \"numbers.txt\": no row for virtual user 3: there are 2"));
}

TEST_CASE("ranks deal the rows out among them") {
  const std::string load = "per_vu_iterations { vus = 4, iterations = 2 }";
  const Summary first = run_with_numbers(10, "on_end = \"stop\"", load, kTake, {0, 2});
  const Summary second = run_with_numbers(10, "on_end = \"stop\"", load, kTake, {1, 2});
  CHECK(rows_of(first) == "1:1 3:1 5:1 7:1");
  CHECK(rows_of(second) == "2:1 4:1 6:1 8:1");
}

TEST_CASE("random rows follow the seed") {
  const auto draw = [](const std::string& seed) {
    const Folder folder;
    folder.write("n.txt", "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n");
    folder.write("plan.lua", test::small_plan("local n = lgen.data.lines(\"n.txt\")",
                                              "local s = \"\" for _ = 1, 20 do s = s .. n:random() end "
                                              "lgen.check(\"drawn\", false, s)"));
    PlanRun run(folder.path("plan.lua"), {{"seed", seed}});
    REQUIRE(run.load() == "");
    return run.run().checks.at(0).first_failure;
  };
  CHECK(draw("7").size() == 20);
  CHECK(draw("7") == draw("7"));
  CHECK(draw("7") != draw("8"));
}

TEST_CASE("no secret of the data is in what a run leaves behind") {
  const Folder folder;
  folder.write("users.csv", "name,password,pin\nada,hunter22,4711\n");
  folder.write("plan.lua",
               test::small_plan("local users = lgen.data.csv(\"users.csv\", { secret = { \"password\", \"pin\" } })\n"
                                "local opt = lgen.options { { \"pass\", secret = true, default = \"opensesame\" } }\n"
                                "local logins = lgen.counter(\"logins\", { labels = { \"with\" } })",
                                "local u = users:next()\n"
                                "lgen.event(\"login\", { password = u.password, name = u.name })\n"
                                "logins:add(1, { with = u.password })\n"
                                "lgen.check(\"logged in\", false, \"refused \" .. u.password .. \" \" .. opt.pass)\n"
                                "error(u.name .. \" has the pin \" .. u.pin)"));
  PlanRun run(folder.path("plan.lua"));
  REQUIRE(run.load() == "");
  const Summary& summary = run.run();
  CHECK(summary.checks.at(0).first_failure == "refused *** ***");
  CHECK(summary.errors.at(0).message.ends_with("ada has the pin ***"));
  CHECK(test::value_of(summary, "logins", make_labels({{"scenario", "test"}, {"with", "***"}})) == 1);
  REQUIRE(summary.events.at(0).fields.size() == 2);
  CHECK(std::get<std::string>(summary.events[0].fields[0].second) == "ada");
  CHECK(std::get<std::string>(summary.events[0].fields[1].second) == "***");
}

TEST_CASE("a million rows leave Lua's memory alone") {
#ifdef __SANITIZE_ADDRESS__
  constexpr int kRows = 50'000;  // the watchdog knows nothing of sanitizers
#else
  constexpr int kRows = 1'000'000;
#endif
  const Folder folder;
  std::string text = "id,name,city\n";
  for (int i = 0; i < kRows; ++i) text += fmt::format("{},user-{},Springfield\n", i, i);
  folder.write("users.csv", text);
  folder.write(
      "plan.lua",
      test::small_plan("local users = lgen.data.csv(\"users.csv\")",
                       fmt::format("local rows = {}\n", kRows) +
                           "lgen.check(\"rows\", #users == rows)\n"
                           "lgen.check(\"the last\", users:at(rows).name == \"user-\" .. rows - 1)\n"
                           "lgen.check(\"in Lua\", collectgarbage(\"count\") < 5000, collectgarbage(\"count\"))\n"
                           "lgen.check(\"every test ran\", true)"));
  const std::size_t size = text.size();
  text = {};
  const auto held = [] {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  const std::size_t before = held();
  PlanRun run(folder.path("plan.lua"));
  REQUIRE(run.load() == "");
  INFO(held() - before << " bytes for a file of " << size);
  // 8 bytes a row (in a vector that may be twice too large), 1 + 3 x 2 for its values; the rest is the file's own.
  CHECK(held() - before < size + kRows * (16 + 7) + (4 << 20));
  test::require_clean(run.run());
}

}  // namespace
}  // namespace lgen
