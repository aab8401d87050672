#include "vu_lua.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "lgen/units.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr std::array<std::string_view, 8> kFields = {"id",   "index", "iter",         "scenario",
                                                     "data", "state", "scheduled_at", "stopping"};
constexpr char kVuMetatableKey = 0;  // in the registry
constexpr char kVuKey = 0;           // in a `vu` table: its LuaVu

IterationEnd to_iteration_end(TaskEnd end) {
  switch (end) {
    case TaskEnd::returned:
      return IterationEnd::succeeded;
    case TaskEnd::failed:
      return IterationEnd::failed;
    case TaskEnd::cancelled:
      return IterationEnd::cancelled;
  }
  return IterationEnd::failed;
}

/// vu.state, made when it is first asked for.
int make_state(lua_State* L) {
  lua_newtable(L);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

// What changes with every iteration is looked up when it is asked for: writing it down each time costs more than most
// plans' whole use of it. What few plans ask for is not kept either: there may be 100,000 of these tables.
int vu_field(lua_State* L) {
  const std::string_view name = lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : "?";
  const LuaVu* vu = LuaVu::of_table(L, 1);
  if (name == "state") return make_state(L);
  if (vu && name == "index") return lua_pushnumber(L, static_cast<double>(vu->index())), 1;
  if (vu && name == "scenario") return push(L, vu->scenario()), 1;
  if (vu && name == "iter") return lua_pushnumber(L, vu->iter()), 1;
  if (vu && name == "scheduled_at") return lua_pushnumber(L, vu->scheduled_at_seconds()), 1;
  if (std::find(kFields.begin(), kFields.end(), name) != kFields.end()) return 0;  // known, nil now (data)
  const std::string_view guess = did_you_mean(name, kFields);
  raise(L, fmt::format("vu has no field '{}' ({})", name,
                       guess.empty() ? fmt::format("it has: {}; what you want to keep belongs into vu.state",
                                                   fmt::join(kFields, ", "))
                                     : fmt::format("did you mean '{}'?", guess)));
}

int set_vu_field(lua_State* L) {
  raise(L, fmt::format("vu.{} cannot be set; keep your own values in vu.state",
                       lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : "?"));
}

}  // namespace

void make_vu_metatable(lua_State* L) {
  lua_pushlightuserdata(L, const_cast<char*>(&kVuMetatableKey));
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, vu_field);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, set_vu_field);
  lua_setfield(L, -2, "__newindex");
  lua_rawset(L, LUA_REGISTRYINDEX);
}

/// An iteration, whose errors are counted; or a function around the iterations, whose errors end the run.
enum class LuaVu::Hook : std::uint8_t { iteration, vu_start, vu_stop };

/// One coroutine run on behalf of the load layer: an iteration, vu_start or vu_stop.
class LuaVu::Run final : public Operation {
 public:
  Run(Host& host, const ScenarioDecl& scenario, Hook hook, std::string_view phase, IterationDone done)
      : host_(host), scenario_(scenario), phase_(phase), done_(std::move(done)), hook_(hook) {}

  void started(Task& task) { task_ = &task; }
  void ended(Task& task, TaskEnd end) {
    task_ = nullptr;
    if (end == TaskEnd::failed) tell(task);
    if (IterationDone done = std::exchange(done_, {})) done(to_iteration_end(end));
    finished_ = true;
    if (dropped_) free();
  }

  void cancel() noexcept override {
    if (task_) task_->cancel();
  }
  void drop() noexcept override {
    done_ = {};
    if (finished_) return free();
    dropped_ = true;
    cancel();
  }

 private:
  ~Run() = default;
  void free() noexcept {
    FreeMemory& memory = host_.run_memory;
    this->~Run();
    memory.give(this);
  }
  void tell(const Task& task) const {
    const std::string& scenario = scenario_.spec.name;
    if (hook_ == Hook::iteration) return host_.plan_error(task.error_text(), task.traceback(), scenario, phase_);
    const char* function = hook_ == Hook::vu_start ? "vu_start" : "vu_stop";
    host_.runner->fail(fmt::format("{} of scenario '{}': {}", function, scenario, task.error_text()));
  }

  Host& host_;  // it and the scenario outlive the VU
  const ScenarioDecl& scenario_;
  const std::string_view phase_;  // the scenario has it
  IterationDone done_;
  Task* task_ = nullptr;
  const Hook hook_;
  bool finished_ = false, dropped_ = false;
};

LuaVu::LuaVu(Host& host, ScenarioDecl& scenario, const VuIdentity& identity)
    : host_(host), scenario_(scenario), id_(identity.id), index_(identity.index), tags_(host.scenario_tags(scenario)) {
  seed_ = mix64(hash_name(scenario.spec.name) ^ mix64(identity.id));
  lua_State* L = host_.L;
  lua_createtable(L, 0, 4);
  lua_pushnumber(L, static_cast<double>(id_));
  lua_setfield(L, -2, "id");
  lua_pushlightuserdata(L, const_cast<char*>(&kVuKey));
  lua_pushlightuserdata(L, this);
  lua_rawset(L, -3);
  lua_rawgeti(L, LUA_REGISTRYINDEX, scenario_.setup == LUA_NOREF ? host_.decl.data : scenario_.data);
  lua_setfield(L, -2, "data");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "stopping");
  lua_pushlightuserdata(L, const_cast<char*>(&kVuMetatableKey));
  lua_rawget(L, LUA_REGISTRYINDEX);
  lua_setmetatable(L, -2);
  table_ = luaL_ref(L, LUA_REGISTRYINDEX);
}

LuaVu* LuaVu::of_table(lua_State* L, int index) {
  lua_pushlightuserdata(L, const_cast<char*>(&kVuKey));
  lua_rawget(L, index);
  auto* vu = static_cast<LuaVu*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return vu;
}

void LuaVu::hold(lua_State* L, int index, std::function<void()> let_go_of_it) {
  let_go();
  lua_pushvalue(L, index);
  held_ = luaL_ref(L, LUA_REGISTRYINDEX);
  let_go_ = std::make_unique<std::function<void()>>(std::move(let_go_of_it));
}

void LuaVu::let_go() {
  if (const auto call = std::exchange(let_go_, {})) (*call)();
  luaL_unref(host_.L, LUA_REGISTRYINDEX, std::exchange(held_, LUA_REFNIL));
}

/// Whatever of it still runs has been given up by the load layer: it is told to end and lives on without a VU.
LuaVu::~LuaVu() {
  const Few<StopListener> listeners = std::exchange(listeners_, {});
  for (StopListener* listener : listeners) listener->vu_stopping();
  for (Task* task : tasks_) task->forget_vu();
  let_go();
  settle_table();
  luaL_unref(host_.L, LUA_REGISTRYINDEX, table_);
  if (spare_ref_ != LUA_NOREF) luaL_unref(host_.L, LUA_REGISTRYINDEX, spare_ref_);
}

/// The plan may have kept its `vu`: it goes on showing the last iteration.
void LuaVu::settle_table() {
  lua_State* L = host_.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, table_);
  lua_pushlightuserdata(L, const_cast<char*>(&kVuKey));
  lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pushliteral(L, "iter");
  lua_pushnumber(L, iter());
  lua_rawset(L, -3);
  lua_pushliteral(L, "index");
  lua_pushnumber(L, static_cast<double>(index_));
  lua_rawset(L, -3);
  lua_pushliteral(L, "scenario");
  push(L, scenario_.spec.name);
  lua_rawset(L, -3);
  lua_pushliteral(L, "scheduled_at");
  lua_pushnumber(L, scheduled_at_seconds());
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

double LuaVu::scheduled_at_seconds() const { return iter_ == 0 ? 0 : to_seconds(scheduled_at_ - host_.run_started); }

Op LuaVu::start(const Iteration& iteration, IterationDone done) {
  phase_ = iteration.phase;
  iter_ = iteration.number + 1;
  scheduled_at_ = iteration.scheduled_at;
  return run(Hook::iteration, scenario_.run, std::move(done), iteration.late);
}

Op LuaVu::begin(IterationDone done) {
  return scenario_.vu_start == LUA_NOREF ? Op{} : run(Hook::vu_start, scenario_.vu_start, std::move(done));
}

Op LuaVu::end(IterationDone done) {
  return scenario_.vu_stop == LUA_NOREF ? Op{} : run(Hook::vu_stop, scenario_.vu_stop, std::move(done));
}

Op LuaVu::run(Hook hook, int function, IterationDone done, std::optional<Duration> late) {
  lua_State* L = host_.L;
  auto* run = new (host_.run_memory.take(sizeof(Run))) Run(host_, scenario_, hook, phase_, std::move(done));
  lua_rawgeti(L, LUA_REGISTRYINDEX, function);
  lua_rawgeti(L, LUA_REGISTRYINDEX, table_);
  Task& task = Task::make(host_, L, 1, nullptr, this, [run](Task& ended, TaskEnd end) { run->ended(ended, end); });
  task.set_function(function);
  run->started(task);
  if (late) task.iteration_is_late(*late);
  task.begin();
  return Op(run);
}

void LuaVu::ask_to_stop() {
  if (stopping_) return;
  stopping_ = true;
  lua_State* L = host_.L;
  lua_rawgeti(L, LUA_REGISTRYINDEX, table_);
  lua_pushliteral(L, "stopping");
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  const Few<StopListener> listeners = std::exchange(listeners_, {});
  for (StopListener* listener : listeners) listener->vu_stopping();
}

lua_State* LuaVu::take_coroutine(int& reference) {
  reference = std::exchange(spare_ref_, LUA_NOREF);
  return std::exchange(spare_, nullptr);
}

void LuaVu::give_coroutine(lua_State* co, int reference) {
  if (spare_) {
    luaL_unref(host_.L, LUA_REGISTRYINDEX, reference);
    return;
  }
  spare_ = co;
  spare_ref_ = reference;
}

}  // namespace lgen::lua
