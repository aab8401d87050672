// Schemas that a server tells (lgen.proto{reflection = channel}): fetched between load and setup, and what plans hold
// of them until then. Thread: the loop's. Lifetime: as long as the Host, so that handles may point here.
#pragma once

#include <functional>
#include <lua.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/op.h"
#include "lgen/schema.h"
#include "rc.h"

namespace lgen::lua {

struct Host;
struct PlanChannel;

/// A method named while its schema is not known yet. It becomes what the schema says, in its place.
struct PendingMethod {
  MethodInfo info;    // until then: its name, and no types
  std::string where;  // "plan.lua:5: " of the api:method call
  bool known = false;
};

/// A schema as a plan holds it.
struct PlanSchema {
  std::unique_ptr<Schema> schema;  // null: not fetched yet
  Rc<PlanChannel> source;          // who is asked
  std::string where;               // "plan.lua:4: " of the lgen.proto call
  std::vector<std::unique_ptr<PendingMethod>> methods;
};

/// Whether there is anything to fetch.
bool has_unknown_schemas(const Host& host);

/// Asks the servers, then looks up the methods named so far. The error of a method carries the line of its api:method.
Op fetch_schemas(Host& host, std::function<void(Outcome)> done);

/// Raises for something that needs a schema which is not known: while the plan loads, or because fetching it failed. In
/// `lgen check`, which has no network, ends the VU's iteration (or setup) quietly and makes a note of it.
[[noreturn]] void refuse_unknown_schema(lua_State* L, std::string_view what);
[[noreturn]] void refuse_unknown_method(lua_State* L, std::string_view what, const PendingMethod& method);

}  // namespace lgen::lua
