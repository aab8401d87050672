// argv of `lgen PLAN ...`: what is the engine's, what is left for the plan.
#include "arguments.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "catch.h"
#include "commands.h"

namespace lgen::cli {
namespace {

using Args = std::vector<std::string>;

Result<Arguments> parse(const Args& args) {
  const auto words = parse_words(kRunCommand, args);
  return words ? arguments_of(*words) : Result<Arguments>(words.error());
}

Arguments parsed(const Args& args) {
  const auto arguments = parse(args);
  INFO((arguments ? "" : arguments.error().message));
  REQUIRE(arguments.ok());
  return *arguments;
}

std::string refused(const Args& args) {
  const auto arguments = parse(args);
  return arguments ? "" : arguments.error().message;
}

TEST_CASE("the first word that is no option is the plan, what the engine does not know is the plan's") {
  struct Row {
    Args words;
    std::string plan;
    Args plan_args;
    std::string seed;
  };
  const Row rows[] = {
      {{"p.lua"}, "p.lua", {}, ""},
      {{"--seed", "5", "p.lua", "--hold", "3s"}, "p.lua", {"--hold", "3s"}, "5"},
      {{"--seed=5", "--quiet", "p.lua", "--hold=3s", "--fast"}, "p.lua", {"--hold=3s", "--fast"}, "5"},
      {{"p.lua", "--hold", "3s", "--seed", "5", "--names", "a"}, "p.lua", {"--hold", "3s", "--names", "a"}, "5"},
      {{"p.lua", "--seed", "5", "--seed", "6"}, "p.lua", {}, "6"},
      {{"--trace", "p.lua"}, "p.lua", {}, ""},
      {{"p.lua", "--offset", "-5"}, "p.lua", {"--offset", "-5"}, ""},
  };
  for (const Row& row : rows) {
    const Arguments arguments = parsed(row.words);
    CHECK(arguments.plan == row.plan);
    CHECK(arguments.plan_args == row.plan_args);
    CHECK(arguments.options.text("seed") == row.seed);
  }
}

TEST_CASE("options that may go without their value never take the next word") {
  CHECK(parsed({"p.lua", "--local", "--trace"}).options.resolve()->local == "");
  CHECK(parsed({"p.lua", "--trace=3"}).options.resolve()->trace == 3);
  CHECK(parsed({"--local=pods=2", "p.lua"}).options.resolve()->local == "pods=2");
}

TEST_CASE("--help is seen wherever it stands") {
  CHECK(parse_words(kRunCommand, {"p.lua", "--help"})->help);
  CHECK(parse_words(kRunCommand, {"-h", "p.lua"})->help);
}

TEST_CASE("words that make no sense are refused") {
  CHECK(refused({"--taget", "x", "p.lua"}) ==
        "unknown option --taget (did you mean '--target'?); options of a plan come after the plan");
  CHECK(refused({"p.lua", "--target"}) == "--target: its value is missing: HOST:PORT");
  CHECK(refused({"p.lua", "--config", "/no/such"}) == "--config: cannot read /no/such: No such file or directory");
}

TEST_CASE("a config file fills the layers below the flags") {
  char path[] = "/tmp/lgen_config_XXXXXX";
  ::close(::mkstemp(path));
  std::ofstream(path) << R"({"engine": {"seed": 5, "quiet": true, "tag": ["a=1", "b=2"]},)"
                      << R"( "options": {"hold": "3s", "n": 4, "names": ["x", "y"]},)"
                      << R"( "scenarios": {"s": {"vus": 3}, "t": {"vus": 4, "duration": "1s"}}})";
  const Arguments arguments = parsed({"p.lua", "--config", path, "--seed", "6"});
  std::remove(path);
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  CHECK(arguments.config_options == Pairs{{"hold", "3s"}, {"n", "4"}, {"names", "x,y"}});
  const auto settings = arguments.options.resolve();
  REQUIRE(settings.ok());
  CHECK(settings->seed == 6);
  CHECK(settings->quiet);
  CHECK(settings->tags.size() == 2);
  CHECK(settings->load_overrides.size() == 3);
}

}  // namespace
}  // namespace lgen::cli
