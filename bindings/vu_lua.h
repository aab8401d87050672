// A virtual user whose iterations are Lua coroutines.
// Thread: the loop's.
// Lifetime: made and owned by the load layer; the Host outlives it.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <memory>

#include "few.h"
#include "host.h"
#include "lgen/vu.h"
#include "task.h"

namespace lgen::lua {

class LuaVu final : public Vu {
 public:
  LuaVu(Host& host, ScenarioDecl& scenario, const VuIdentity& identity);
  ~LuaVu() override;

  Op start(const Iteration& iteration, IterationDone done) override;
  Op begin(IterationDone done) override;
  Op end(IterationDone done) override;
  void ask_to_stop() override;

  bool stopping() const { return stopping_; }
  const std::string& scenario() const { return scenario_.spec.name; }
  std::uint64_t id() const { return id_; }
  std::uint64_t index() const { return index_; }
  std::string_view phase() const { return phase_; }
  TimePoint scheduled_at() const { return scheduled_at_; }
  /// vu.iter and vu.scheduled_at: 0 before the first iteration.
  double iter() const { return static_cast<double>(iter_); }
  double scheduled_at_seconds() const;
  const TagSet& tags() const { return tags_; }
  /// Pushes `vu`.
  void push_table(lua_State* L) const { lua_rawgeti(L, LUA_REGISTRYINDEX, table_); }

  /// The VU that the `vu` table at `index` stands for; null when it is over.
  static LuaVu* of_table(lua_State* L, int index);
  /// Keeps the object at `index` as long as the VU is there, or until the next one is kept; then `let_go` is called.
  void hold(lua_State* L, int index, std::function<void()> let_go);
  /// What it holds, or nil.
  void push_held(lua_State* L) const { lua_rawgeti(L, LUA_REGISTRYINDEX, held_); }

  /// Somebody who waits on this VU's behalf and must hear of ask_to_stop (loops over `every`, `messages`, `events`).
  class StopListener {
   public:
    /// Never called inside one's own registration; deregister before destruction.
    virtual void vu_stopping() noexcept = 0;

   protected:
    ~StopListener() = default;
  };
  void listen(StopListener& listener) { listeners_.add(listener); }
  void unlisten(StopListener& listener) noexcept { listeners_.remove(listener); }

  void task_begins(Task& task) { tasks_.add(task); }
  void task_ends(Task& task) { tasks_.remove(task); }
  /// One coroutine is kept from iteration to iteration: it costs nothing to start the next one.
  lua_State* take_coroutine(int& reference);
  void give_coroutine(lua_State* co, int reference);
  std::uint64_t next_task_seed() { return seed_ + ++tasks_made_; }

 private:
  class Run;
  enum class Hook : std::uint8_t;
  Op run(Hook hook, int function, IterationDone done, std::optional<Duration> late = {});
  void settle_table();
  void let_go();

  Host& host_;
  ScenarioDecl& scenario_;
  const std::uint64_t id_, index_;
  TagSet tags_;
  lua_State* spare_ = nullptr;
  std::string_view phase_;
  std::uint64_t iter_ = 0;
  TimePoint scheduled_at_{};
  std::uint64_t seed_ = 0, tasks_made_ = 0;
  Few<Task> tasks_;  // not yet finished
  Few<StopListener> listeners_;
  std::unique_ptr<std::function<void()>> let_go_;
  int table_ = LUA_NOREF;  // `vu`
  int spare_ref_ = LUA_NOREF;
  int held_ = LUA_REFNIL;
  bool stopping_ = false;
};

/// Metatable of `vu` tables: unknown fields raise with a did-you-mean.
void make_vu_metatable(lua_State* L);

}  // namespace lgen::lua
