// meta/lgen.d.lua: equal to what the registry says, complete, and made of names that exist.
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "plan_support.h"
#include "registry.h"

namespace lgen {
namespace {

std::string file_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t from = 0;
  for (std::size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
    lines.push_back(text.substr(from, end - from));
  }
  return lines;
}

TEST_CASE("meta/lgen.d.lua is what lgen-meta prints") {
  INFO("build lgen-meta and write its output to bindings/meta/lgen.d.lua");
  CHECK(file_text(LGEN_META_FILE) == plan_api_meta());
}

TEST_CASE("every function, field and option is documented") {
  for (const lua::Module* module : lua::all_modules()) {
    if (module->name[0] == '_') continue;
    for (const lua::Binding& binding : module->bindings) {
      INFO(module->name << "." << binding.name);
      CHECK(std::string_view(binding.type) != "");
      CHECK(std::string_view(binding.doc) != "");
    }
    for (const lua::KeySet& keys : module->option_tables) {
      for (const lua::Key& key : keys.keys) {
        INFO(keys.name << "." << key.name);
        CHECK(std::string_view(key.type) != "");
        CHECK(std::string_view(key.doc) != "");
      }
    }
  }
}

TEST_CASE("every class that is named is defined, once") {
  const std::string text = plan_api_meta();
  std::set<std::string> defined;
  const std::regex definition("---@(?:class|alias) (lgen[.\\w]*)");
  for (std::sregex_iterator it(text.begin(), text.end(), definition), end; it != end; ++it) {
    INFO((*it)[1]);
    CHECK(defined.insert((*it)[1]).second);
  }
  const std::regex name("lgen\\.[A-Z]\\w*");
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    INFO(it->str());
    CHECK(defined.count(it->str()) == 1);
  }
}

TEST_CASE("every line has the form LuaLS reads") {
  const std::regex form(
      "|---@meta lgen|--[^-].*|---@alias lgen\\.\\w+ \\S.*|---@class lgen[.\\w]*|---@field (\\w+\\??|\\[integer\\]) "
      "\\S.*"
      "|---@type lgen|---[A-Za-z].*|local lgen = \\{\\}|return lgen");
  for (const std::string& line : lines_of(plan_api_meta())) {
    INFO(line);
    CHECK(std::regex_match(line, form));
  }
}

TEST_CASE("nothing is bound that is not documented") {
  test::PlanRun run(LGEN_LUA_TESTS "/documented.lua");
  REQUIRE(run.load() == "");
  test::require_clean(run.run());
}

}  // namespace
}  // namespace lgen
