// How a task waits for rounds of a scrape target, for Prometheus' answer, and for a cluster's events.
// Thread: the loop's.
// Lifetime: each frees itself when the task has been woken.
#pragma once

#include <lua.hpp>
#include <optional>
#include <string>

#include "lgen/scrape.h"
#include "lgen/time.h"
#include "stack.h"

namespace lgen::lua {

/// A round as plans hold it; without a sample: in `lgen check`, where nobody is asked.
struct SampleHandle {
  static constexpr ObjectType kType{"lgen.Sample"};
  SamplePtr sample;
};

struct WaitFor {
  ScrapeCondition condition;
  Duration hold{0};
  Duration timeout{0};
};

// Each is the last statement of a binding, whose arguments have been checked.

/// t:scrape(): the sample, or nil and err when no pod is up.
int await_scrape(lua_State* L, ScrapeTarget& target);
/// One turn of `for sample in t:samples()`: the next sample, or nothing when the VU is to stop.
int await_next_sample(lua_State* L, ScrapeTarget& target);
/// t:wait_for(): the value, or nil and err.
int await_condition(lua_State* L, ScrapeTarget& target, WaitFor wanted);
int await_query(lua_State* L, const std::string& base, const std::string& promql);
/// lgen.cluster.events(): the list, or nil and err.
int await_events(lua_State* L, const std::string& url);

}  // namespace lgen::lua
