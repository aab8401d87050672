// Lua's garbage collector, held back while plan code runs and stepped between the turns of the loop, so that its pauses
// can be timed (gc_pause_seconds) and never fall inside a measured call.
// Thread: the loop's.
#pragma once

#include <lua.hpp>

#include "lgen/loop.h"
#include "lgen/metrics.h"

namespace lgen::lua {

class GcPacer {
 public:
  GcPacer(lua_State* L, Loop& loop, Metrics& metrics);
  ~GcPacer();

 private:
  void step();
  void hold_back();

  lua_State* L_;
  Loop& loop_;
  Metrics& metrics_;
  SeriesId pause_series_;
  int pause_before_;  // Lua's own setting
  std::size_t hook_;
  int last_kb_;        // heap size after the last step
  int next_cycle_kb_;  // a new cycle starts when the heap has grown to this
  bool in_cycle_ = false;
};

}  // namespace lgen::lua
