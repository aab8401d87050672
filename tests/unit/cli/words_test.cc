// argv sorted by a table of options, and the table of commands.
#include "words.h"

#include <set>

#include "catch.h"
#include "commands.h"
#include "help.h"

namespace lgen::cli {
namespace {

using Texts = std::vector<std::string>;

constexpr OptionRow kTable[] = {
    {"total", "N", "how many", "200", "Load", false, 'n'},
    {"header", "NAME=VALUE", "metadata", "", "Call", true, 'H'},
    {"trace", "[N]", "the first N", "", "Call"},
    {"loud", "", "say more", "", "Call", false, 'v'},
};

Result<Words> sorted(const Texts& args) {
  std::vector<const OptionRow*> rows;
  for (const OptionRow& row : kTable) rows.push_back(&row);
  return sort_words(rows, args, UnknownOptions::refused);
}

std::string refused(const Texts& args) {
  const auto words = sorted(args);
  return words ? "" : words.error().message;
}

TEST_CASE("options are found by name and by letter, operands keep their order") {
  const auto words = sorted({"host:1", "-n", "5", "--header", "a=1", "pkg.S/M", "-H", "b=2", "--loud"});
  REQUIRE(words.ok());
  CHECK(words->operands == Texts{"host:1", "pkg.S/M"});
  CHECK(words->text("total") == "5");
  CHECK(words->all("header") == Texts{"a=1", "b=2"});
  CHECK(words->has("loud"));
  CHECK(!words->has("trace"));
  CHECK(words->text("trace", "none") == "none");
}

TEST_CASE("a value may look like anything") {
  for (const std::string value : {"[1,2]", "[{\"a\":[1]},{}]", "-5", "--loud", "", "a b", "-"}) {
    INFO(value);
    const auto words = sorted({"--total", value, "x"});
    REQUIRE(words.ok());
    CHECK(words->text("total") == value);
    CHECK(words->operands == Texts{"x"});
  }
  CHECK(sorted({"-n7"})->text("total") == "7");
  CHECK(sorted({"--total=[7]"})->text("total") == "[7]");
}

TEST_CASE("an operand may look like anything too, behind --") {
  CHECK(sorted({"[1,2]", "-"})->operands == Texts{"[1,2]", "-"});
  CHECK(sorted({"--", "--total", "-x"})->operands == Texts{"--total", "-x"});
}

TEST_CASE(
    "the last value counts, repeatable options keep all, and a value that may be missing is never the next word") {
  CHECK(sorted({"-n", "1", "--total", "2"})->all("total") == Texts{"2"});
  const auto words = sorted({"--trace", "5"});
  CHECK(words->text("trace", "none").empty());
  CHECK(words->operands == Texts{"5"});
  CHECK(sorted({"--trace=5"})->text("trace") == "5");
}

TEST_CASE("what the table does not know is refused") {
  CHECK(refused({"--totl", "5"}) == "unknown option --totl (did you mean '--total'?)");
  CHECK(refused({"host", "--zzzzzzzz"}) == "unknown option --zzzzzzzz");
  CHECK(refused({"-x"}) == "unknown option -x");
  CHECK(refused({"-n"}) == "-n: its value is missing: N");
  CHECK(refused({"--header"}) == "--header: its value is missing: NAME=VALUE");
  CHECK(refused({"-vx"}) == "unknown option -x");
}

TEST_CASE("every command has its help, its names are unlike, and no two options share a name or a letter") {
  std::set<std::string_view> names;
  for (const Command* command : commands()) {
    INFO(command->name);
    CHECK(names.insert(command->name).second);
    CHECK(!command->help.empty());
    CHECK(find_command(command->name) == command);
    CHECK(general_help().find("\n  " + std::string(command->name)) != std::string::npos);
    std::set<std::string> flags = {"--help", "-h"};
    for (const OptionRow* row : rows_of(*command)) {
      INFO(row->name);
      CHECK(flags.insert("--" + std::string(row->name)).second);
      if (row->letter) CHECK(flags.insert(std::string("-") + row->letter).second);
      CHECK(!row->help.empty());
      CHECK(!row->group.empty());
      CHECK(command_help(*command).find("--" + std::string(row->name)) != std::string::npos);
    }
  }
  CHECK(find_command("bnech") == nullptr);
}

TEST_CASE("no line of any help is wider than 80 columns") {
  Texts texts = {general_help()};
  for (const Command* command : commands()) texts.push_back(command_help(*command));
  for (const std::string& text : texts) {
    std::size_t column = 0;
    for (const char c : text) {
      column = c == '\n' ? 0 : column + 1;
      REQUIRE(column <= 80);
    }
  }
}

}  // namespace
}  // namespace lgen::cli
