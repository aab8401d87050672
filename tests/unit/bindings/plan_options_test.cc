// lgen.options: texts to Lua values, and argv to texts.
#include "plan_options.h"

#include "catch.h"

namespace lgen::lua {
namespace {

struct State {
  State() : L(luaL_newstate()) {}
  ~State() { lua_close(L); }
  lua_State* L;
};

OptionDecl option(std::string name, std::string type) {
  OptionDecl made;
  made.shown.name = std::move(name);
  made.shown.type = std::move(type);
  return made;
}

TEST_CASE("numbers of every notation arrive as exact as they were written") {
  struct Row {
    const char *type, *text;
    double value;
  };
  const Row rows[] = {
      {"int", "5", 5},          {"int", "-7", -7},        {"int", "1e3", 1000},       {"number", "0.1", 0.1},
      {"duration", "30s", 30},  {"duration", "0.1", 0.1}, {"duration", "100ms", 0.1}, {"duration", "1m30s", 90},
      {"size", "64KiB", 65536}, {"size", "10MB", 1e7},    {"bitrate", "10Mbps", 1e7}, {"duration", "300us", 0.0003},
  };
  State state;
  for (const Row& row : rows) {
    INFO(row.type << " " << row.text);
    const Outcome pushed = push_option_value(state.L, option("n", row.type), row.text);
    REQUIRE(pushed.ok());
    CHECK(lua_tonumber(state.L, -1) == row.value);
    lua_pop(state.L, 1);
  }
}

TEST_CASE("a value that does not fit leaves nothing on the stack") {
  State state;
  OptionDecl bounded = option("n", "number");
  bounded.min = 1;
  bounded.max = 2;
  const std::pair<OptionDecl, const char*> rows[] = {
      {bounded, "0"},
      {bounded, "3"},
      {bounded, "inf"},
      {option("n", "int"), "1.5"},
      {option("n", "int"), ""},
      {option("n", "bool"), "yes"},
      {option("n", "stages"), "1s:1,oops"},
      {option("n", "stages"), ""},
      {option("n", "duration_range"), "2..1"},
      {option("n", "address"), ":80"},
      {option("n", "url"), "x"},
  };
  for (const auto& [declared, text] : rows) {
    const Outcome pushed = push_option_value(state.L, declared, text);
    INFO(declared.shown.type << " '" << text << "'");
    REQUIRE(!pushed.ok());
    CHECK(pushed.error().message.rfind("--n: ", 0) == 0);
    CHECK(lua_gettop(state.L) == 0);
  }
}

TEST_CASE("argv becomes texts by name") {
  const std::vector<OptionDecl> options = {option("hold", "duration"), option("fast", "bool"),
                                           option("list-all", "string")};
  const auto texts = parse_plan_args(options, {"--hold", "3s", "--no-fast", "--list_all=a=b", "--list-all", "--c"});
  REQUIRE(texts.ok());
  CHECK(texts->at("hold") == std::vector<std::string>{"3s"});
  CHECK(texts->at("fast") == std::vector<std::string>{"false"});
  CHECK(texts->at("list-all") == std::vector<std::string>{"a=b", "--c"});
}

TEST_CASE("every type has a sample for lgen check that fits it") {
  State state;
  for (const char* type : {"string", "int", "number", "bool", "duration", "duration_range", "size", "bitrate",
                           "address", "url", "file", "choice", "stages"}) {
    OptionDecl declared = option("n", type);
    declared.shown.choices =
        declared.shown.type == "choice" ? std::vector<std::string>{"a"} : std::vector<std::string>{};
    INFO(type);
    CHECK(push_option_value(state.L, declared, sample_text(declared)).ok());
    lua_settop(state.L, 0);
  }
}

}  // namespace
}  // namespace lgen::lua
