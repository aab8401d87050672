#include "plan_support.h"

namespace lgen {
namespace {

TEST_CASE("lgen.hpa.simulate gives a plan the rounds of an autoscaler") {
  test::PlanRun run(LGEN_LUA_TESTS "/hpa.lua");
  REQUIRE(run.load() == "");
  test::require_clean(run.run());
}

}  // namespace
}  // namespace lgen
