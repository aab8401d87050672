#include "lgen/plan.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "gc_pacer.h"
#include "host.h"
#include "lgen/log.h"
#include "lgen/schedule.h"
#include "lgen/units.h"
#include "lint.h"
#include "mod_grpc.h"
#include "mod_http.h"
#include "mod_load.h"
#include "mod_metrics.h"
#include "mod_prom.h"
#include "mod_proto.h"
#include "plan_options.h"
#include "plan_setup.h"
#include "plan_stop.h"
#include "registry.h"
#include "stack.h"
#include "tags.h"
#include "threshold_load.h"
#include "vu_lua.h"
#include "watchdog.h"

namespace lgen {
namespace lua {
namespace {

constexpr char kStopForHelpKey = 0;
constexpr char kUsageKey = 0;

/// Error values of plan_stop.h: {[key] = true, message = text}.
bool has_key(lua_State* L, int index, const char& key) {
  if (lua_type(L, index) != LUA_TTABLE) return false;
  const int table = index > 0 ? index : lua_gettop(L) + index + 1;
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_rawget(L, table);
  const bool found = !lua_isnil(L, -1);
  lua_pop(L, 1);
  return found;
}

[[noreturn]] void raise_marked(lua_State* L, const char& key, std::string_view message) {
  lua_createtable(L, 0, 2);
  lua_pushlightuserdata(L, const_cast<char*>(&key));
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  push(L, message);
  lua_setfield(L, -2, "message");
  lua_error(L);
  __builtin_unreachable();
}

Error cannot_read(const std::string& path, const std::string& why) {
  return make_error(ErrorCode::not_found, fmt::format("cannot read the plan {}: {}", path, why));
}

Result<std::string> read_file(const std::string& path) {
  if (std::filesystem::is_directory(path)) return cannot_read(path, "it is a directory; name the file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return cannot_read(path, std::strerror(errno));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return cannot_read(path, std::strerror(errno));
  return text;
}

std::string sha256_hex(std::string_view text) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

/// require finds modules beside the plan, then where Lua looks anyway.
void set_package_path(lua_State* L, const std::string& plan) {
  const std::size_t slash = plan.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : plan.substr(0, slash);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  const std::string path = fmt::format("{0}/?.lua;{0}/?/init.lua;{1}", folder, lua_tostring(L, -1));
  push(L, path);
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

/// The message of a failed load at the top of L, popped. Marked usage errors carry no place.
Outcome load_failure(lua_State* L) {
  if (is_stop_for_help(L, -1)) {
    lua_pop(L, 1);
    return Done{};
  }
  if (has_key(L, -1, kUsageKey)) {
    lua_getfield(L, -1, "message");
    lua_remove(L, -2);
  }
  return make_error(ErrorCode::invalid_argument, pop_error_text(L));
}

/// Called on the watchdog's thread: Lua hangs in a C function and cannot be freed.
void give_up(const Host& host, const std::string& why) {
  const std::string text = where(host.current ? host.current->co() : host.L) + why;
  if (host.last_words && host.phase != Phase::load) host.last_words(text);
  log(LogLevel::error, text);
  _exit(107);
}

Outcome run_file(Host& host, const std::string& text) {
  lua_State* L = host.L;
  const std::string name = "@" + host.input.path;
  if (luaL_loadbuffer(L, text.data(), text.size(), name.c_str()) != 0) {
    return make_error(ErrorCode::invalid_argument, pop_error_text(L));
  }
  if (const Outcome clean = lint_chunk(L, -1); !clean) return clean;
  host.watchdog->enter();
  const int status = lua_pcall(L, 0, 0, 0);
  host.watchdog->leave();
  std::string verdict = host.watchdog->has_meddled() ? host.watchdog->settle() : "";
  if (!verdict.empty()) return make_error(ErrorCode::timeout, std::move(verdict));
  return status == 0 ? Outcome(Done{}) : load_failure(L);
}

Outcome check_tags(const Settings& settings) {
  for (const auto& [name, value] : settings.tags) {
    if (std::string problem = tag_problem(name); !problem.empty()) {
      return make_error(ErrorCode::invalid_argument, "--tag: " + problem);
    }
  }
  return Done{};
}

/// --time-scale: everything the schedule decides, and no limit on waiting.
ScenarioSpec in_time(ScenarioSpec spec, double scale) {
  if (scale == 1) return spec;
  const auto divide = [scale](Duration d) { return from_seconds(to_seconds(d) / scale); };
  spec.load = scaled(std::move(spec.load), scale);
  spec.start_after = divide(spec.start_after);
  for (PhaseSpec& phase : spec.phases) phase.length = divide(phase.length);
  return spec;
}

/// For the report: options that are numbers or mere flags keep that type.
Scalar reported_value(std::string_view name, std::string text) {
  const auto options = engine_options();
  const auto at = std::find_if(options.begin(), options.end(), [&](const auto& o) { return o.name == name; });
  const bool is_flag = at->value.empty() || text.empty();  // "--local" alone, too
  if (is_flag) return text != "false";
  const bool is_number = at->value == "N" || at->value == "[N]" || at->value == "[SCENARIO=]N";
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool exact = error == std::errc{} && end == text.data() + text.size() && number <= std::uint64_t{1} << 53;
  if (is_number && exact) return static_cast<double>(number);
  return text;
}

/// What the command line and the config file say must be something the plan has.
Outcome check_what_was_said(const Host& host) {
  if (!host.decl.options_declared) {
    if (const Outcome known = check_options_known(host.input, {}); !known) return known;
  }
  std::vector<std::string_view> names;
  for (const auto& scenario : host.decl.scenarios) names.push_back(scenario->spec.name);
  for (const LoadOverride& wanted : host.settings.load_overrides) {
    if (wanted.scenario.empty() || std::find(names.begin(), names.end(), wanted.scenario) != names.end()) continue;
    const std::string_view guess = did_you_mean(wanted.scenario, names);
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{}: the plan has no scenario '{}' ({})", said_as(wanted), wanted.scenario,
                                  guess.empty() ? fmt::format("it has: {}", fmt::join(names, ", "))
                                                : fmt::format("did you mean '{}'?", guess)));
  }
  std::vector<const ScenarioSpec*> scenarios;
  for (const auto& scenario : host.decl.scenarios) scenarios.push_back(&scenario->spec);
  return check_overrides_used(host.settings, scenarios);
}

Error measures_nothing(const ScenarioDecl& decl, std::string_view why) {
  return make_error(ErrorCode::invalid_argument,
                    fmt::format("{}scenario '{}': nothing would be measured: {}", decl.where, decl.spec.name, why));
}

/// Why a scenario is in warm-up from its beginning to its end.
std::string never_warm(const ScenarioSpec& spec, Duration length) {
  const bool has_others = std::any_of(spec.phases.begin(), spec.phases.end(),
                                      [](const PhaseSpec& p) { return p.name != kWarmup && p.length > Duration{0}; });
  if (!has_others) return "its only phase is warmup; the last phase goes on to the end, so name what comes after it";
  return fmt::format("the load lasts {}, which the warm-up takes all of; make the one longer or the other shorter",
                     format_duration(length));
}

/// A scenario may be there to warm up for others, and say so by that only phase.
Outcome check_warmup_ends(const ScenarioDecls& scenarios) {
  bool any = false;
  for (const auto& decl : scenarios) {
    const ScenarioSpec& spec = decl->spec;
    any = any || spec.phases.empty();
    if (spec.phases.empty() || !check_load(spec.load)) continue;  // a load that cannot run is refused elsewhere
    const Duration length = Schedule(spec.load, Slice{}).end();
    const bool counts = in_phase(spec.phases, "", length) > Duration{0};
    if (!counts && spec.phases.size() > 1) return measures_nothing(*decl, never_warm(spec, length));
    any = any || counts;
  }
  if (any) return Done{};
  return measures_nothing(*scenarios.front(), never_warm(scenarios.front()->spec, Duration{0}));
}

}  // namespace

void raise_stop_for_help(lua_State* L) { raise_marked(L, kStopForHelpKey, "stopped for --help"); }
void raise_usage(lua_State* L, std::string_view message) { raise_marked(L, kUsageKey, message); }
bool is_stop_for_help(lua_State* L, int index) { return has_key(L, index, kStopForHelpKey); }

}  // namespace lua

using namespace lua;

Plan::Plan(Loop& loop, Metrics& metrics, PlanInput input)
    : host_(std::make_unique<Host>(loop, metrics, std::move(input))) {}

Plan::~Plan() { close(); }

Outcome Plan::load() {
  Host& host = *host_;
  auto settings = host.input.options.resolve();
  if (!settings) return settings.error();
  host.settings = std::move(*settings);
  if (const Outcome fit = check_tags(host.settings); !fit) return fit;
  if (!host.settings.seed_given) host.settings.seed = std::random_device{}();
  const auto text = host.input.text ? *host.input.text : read_file(host.input.path);
  if (!text) return text.error();
  plan_sha256_ = sha256_hex(*text);
  host.load_random = Random(host.settings.seed);
  host.watchdog =
      std::make_unique<Watchdog>(host.L, Watchdog::Limits{}, [&host](const std::string& why) { give_up(host, why); });
  set_package_path(host.L, host.input.path);
  install_lint_for_require(host.L);
  if (const Outcome loaded = run_file(host, *text); !loaded) {
    std::string message = loaded.error().message;
    host.redactor.clean(message);
    return make_error(loaded.error().code, std::move(message));
  }
  if (host.input.purpose == PlanPurpose::help) return Done{};
  if (host.decl.scenarios.empty()) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{}: the plan has no scenario; declare one with lgen.scenario", host.input.path));
  }
  if (const Outcome fits = check_what_was_said(host); !fits) return fits;
  if (const Outcome warm = check_warmup_ends(host.decl.scenarios); !warm) return warm;
  return host.measure->check_declarations();
}

const Settings& Plan::settings() const { return host_->settings; }
const std::string& Plan::name() const { return host_->decl.name; }
const std::string& Plan::about() const { return host_->decl.about; }
const std::vector<PlanOption>& Plan::options() const { return host_->decl.options; }
const std::string& Plan::connect_failure() const { return host_->connect_failure; }
const std::string& Plan::misfit() const { return host_->misfit; }

const std::vector<std::string>& Plan::untried() const { return host_->proto->untried; }

RunSpec Plan::run_spec() {
  Host& host = *host_;
  RunSpec spec;
  for (const auto& decl : host.decl.scenarios) {
    ScenarioSpec scenario = in_time(decl->spec, host.settings.time_scale);
    scenario.load.seed = mix64(host.settings.seed ^ hash_name(scenario.name));
    scenario.make_vu = [&host, decl = decl.get()](const VuIdentity& identity) {
      return std::make_unique<LuaVu>(host, *decl, identity);
    };
    scenario.tags = *host.scenario_tags(*decl);
    spec.scenarios.push_back(std::move(scenario));
  }
  spec.setup = [&host](std::function<void(Outcome)> done) { return run_setup(host, std::move(done)); };
  spec.teardown = [&host](std::function<void(Outcome)> done) { return run_teardown(host, std::move(done)); };
  spec.stop_timeout = host.settings.stop_timeout;
  spec.slice = host.input.slice;
  return spec;
}

void Plan::attach(Runner& runner) {
  host_->runner = &runner;
  host_->phase = Phase::setup;
  host_->run_started = host_->loop.precise_now();
  host_->gc = std::make_unique<GcPacer>(host_->L, host_->loop, host_->metrics);
  host_->measure->start_watching();
  host_->prom->start();
}

void Plan::second_over(Duration elapsed) { host_->measure->second_over(elapsed); }

static void fill_first_calls(const Host& host, Summary& summary) {
  std::vector<FirstCall> slowest = host.recorder.first_calls();
  const std::vector<FirstCall>& requests = host.http->recorder.first_requests();
  slowest.insert(slowest.end(), requests.begin(), requests.end());
  std::stable_sort(slowest.begin(), slowest.end(), [](const auto& a, const auto& b) { return a.took > b.took; });
  for (const FirstCall& call : slowest) {
    summary.first_calls.push_back({.at = to_seconds(call.started - host.run_started),
                                   .kind = std::string(to_string(call.first)),
                                   .scenario = call.scenario,
                                   .name = call.name,
                                   .method = call.method,
                                   .backend = call.backend,
                                   .connection = call.connection,
                                   .code = call.code,
                                   .duration = to_seconds(call.took),
                                   .connecting = to_seconds(call.connecting),
                                   .why = call.why});
  }
}

void Plan::describe(RunInfo& run) const {
  const Host& host = *host_;
  run.plan = host.input.path;
  run.plan_name = host.decl.name;
  run.about = host.decl.about;
  run.plan_sha256 = plan_sha256_;
  for (auto& [name, text] : host.input.options.given()) {
    run.options.emplace_back(name, reported_value(name, std::move(text)));
  }
  run.options.insert(run.options.end(), host.decl.option_values.begin(), host.decl.option_values.end());
  run.seed = host.settings.seed;
  run.target = host.settings.target;
  run.security = host.settings.security;
  run.transport = host.settings.transport;
  host.redactor.clean(run);
}

const Redactor& Plan::redactor() const { return host_->redactor; }

void Plan::on_failure(std::function<void(const Failure&)> listener) { host_->on_failure = std::move(listener); }
void Plan::on_event(std::function<void(const EventRecord&)> listener) { host_->on_event = std::move(listener); }

void Plan::fill(Summary& summary, bool judge_distributions) const {
  const Host& host = *host_;
  describe(summary.run);
  summary.errors = host.errors;
  summary.errors_dropped = host.errors_dropped;
  summary.printed = host.printed;
  if (host.lines_not_kept > 0) {
    summary.run.notes.push_back(fmt::format("the plan's teardown has printed {} lines, of which the first {} are kept",
                                            host.printed.size() + host.lines_not_kept, host.printed.size()));
  }
  summary.conservation = host.recorder.check_conservation();
  if (summary.conservation.empty()) summary.conservation = host.http->recorder.check_conservation();
  fill_first_calls(host, summary);
  if (const std::string books = check_books(summary.scenarios); !books.empty()) {
    summary.conservation += (summary.conservation.empty() ? "" : "; ") + books;
  }
  for (const std::string_view metric : host.metrics.overflowed()) {
    summary.run.notes.push_back(
        fmt::format("{}: {}", metric, overflow_words(host.metrics.spec(*host.metrics.find(metric)))));
  }
  if (std::string tags = host.measure->tag_limit.note(); !tags.empty()) summary.run.notes.push_back(std::move(tags));
  host.grpc->fill(summary);
  host.http->connections.fill(summary);
  host.prom->fill(summary);
  host.measure->fill(summary, judge_distributions);
  host.redactor.clean(summary);
}

void Plan::on_stuck(std::function<void(const std::string& why)> last_words) {
  host_->last_words = std::move(last_words);
}

std::size_t Plan::open_streams() const { return host_->grpc->open_streams(); }

void Plan::close() {
  host_->gc.reset();
  host_->prom->close();
  host_->grpc->close();
  host_->http->close();
}

std::string plan_api_meta() { return render_meta(); }

}  // namespace lgen
