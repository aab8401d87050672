// The look at a plan's bytecode for globals.
#include <string>

#include "plan_support.h"

namespace lgen {
namespace {

/// What load() says of a plan with `code` at its top level, without the file's path.
std::string said(const std::string& code) {
  const test::PlanFile file(test::small_plan(code));
  test::PlanRun run(file.path());
  std::string text = run.load();
  for (std::size_t at; (at = text.find(file.path() + ":")) != std::string::npos;) {
    text.erase(at, file.path().size() + 1);
  }
  return text;
}

TEST_CASE("globals that are written or that nobody defines are found, wherever they hide") {
  struct Row {
    std::string code, said;
  };
  const Row rows[] = {
      {"local a = 1", ""},
      {"local t = { math.floor(1.5), string.format('x'), _VERSION }", ""},
      {"cout = 1", "2: writes global 'cout'; add 'local'"},
      {"function f() end", "2: writes global 'f'; add 'local'"},
      {"local function f() return function() return deep end end", "2: reads global 'deep', which nobody defines"},
      {"\n\nlocal t = { [1] = function() late = 2 end }", "4: writes global 'late'; add 'local'"},
      {"local x\nx = y", "3: reads global 'y', which nobody defines"},
      {"a = 1 b = 2", "2: writes global 'a'; add 'local'\n2: writes global 'b'; add 'local'"},
      {"math = nil", "2: writes global 'math'; add 'local'"},
  };
  for (const Row& row : rows) {
    INFO(row.code);
    CHECK(said(row.code) == row.said);
  }
}

}  // namespace
}  // namespace lgen
