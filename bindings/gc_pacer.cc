// How much to collect: LUA_GCSTEP(n) does about 2n KB of collecting (stepmul 200), so stepping by what has been
// allocated since the last step keeps pace with any plan. Between cycles the heap may double, as with Lua's own pause.
//
// A single stretch of plan code that allocates without ever waiting gives us no turn to step in. For it the collector
// is not stopped but put off: it wakes up by itself when the heap has grown kPatience-fold.
#include "gc_pacer.h"

#include <algorithm>

namespace lgen::lua {
namespace {
constexpr int kStepKb = 64;  // allocated before it is worth a step
// Below it a cycle is not worth starting: it looks at all that lives. Above it garbage leaves the core's own cache: at
// 4 MB each unary call waited 14 times for memory, at 1 MB it does not.
constexpr int kSmallHeapKb = 1024;
constexpr int kPatience = 4;
constexpr int kPatienceKb = 64 * 1024;  // of a heap that is smaller
}  // namespace

GcPacer::GcPacer(lua_State* L, Loop& loop, Metrics& metrics)
    : L_(L), loop_(loop), metrics_(metrics), pause_series_(metrics.series("gc_pause_seconds", {})) {
  lua_gc(L_, LUA_GCCOLLECT, 0);
  pause_before_ = lua_gc(L_, LUA_GCSETPAUSE, 100 * kPatience);
  hold_back();
  last_kb_ = lua_gc(L_, LUA_GCCOUNT, 0);
  next_cycle_kb_ = std::max(kSmallHeapKb, 2 * last_kb_);
  hook_ = loop_.add_turn_hook([this] { step(); });
}

GcPacer::~GcPacer() {
  loop_.remove_turn_hook(hook_);
  lua_gc(L_, LUA_GCSETPAUSE, pause_before_);
  lua_gc(L_, LUA_GCRESTART, -1);
}

/// Restarting sets the collector's alarm to the heap's size times the pause.
void GcPacer::hold_back() {
  const int heap_kb = std::max(1, lua_gc(L_, LUA_GCCOUNT, 0));
  lua_gc(L_, LUA_GCSETPAUSE, 100 * std::max(kPatience, kPatienceKb / heap_kb));
  lua_gc(L_, LUA_GCRESTART, -1);
}

void GcPacer::step() {
  const int now_kb = lua_gc(L_, LUA_GCCOUNT, 0);
  if (!in_cycle_ && now_kb < next_cycle_kb_) return;
  const int grown = in_cycle_ ? now_kb - last_kb_ : kStepKb;
  if (grown < kStepKb) return;
  in_cycle_ = true;
  const TimePoint before = loop_.precise_now();
  const bool finished = lua_gc(L_, LUA_GCSTEP, grown) != 0;
  hold_back();
  metrics_.record(pause_series_, loop_.precise_now() - before);
  last_kb_ = lua_gc(L_, LUA_GCCOUNT, 0);
  if (finished) {
    in_cycle_ = false;
    next_cycle_kb_ = std::max(kSmallHeapKb, 2 * last_kb_);
  }
}

}  // namespace lgen::lua
