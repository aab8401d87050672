// lgen.log: string.format and a level, at most so many lines per place and second.
#include <fmt/format.h>

#include <unordered_map>

#include "host.h"
#include "lgen/log.h"
#include "modules.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr std::uint64_t kLinesPerSecond = 10;  // per call site

/// Whether a line from `place` may be written now; tells how many were left out when a new second begins.
bool admit(Host& host, const std::string& place, std::uint64_t& left_out) {
  LogSite& site = host.log_sites[place];
  const auto second = static_cast<std::int64_t>(to_seconds(host.loop.precise_now().time_since_epoch()));
  left_out = 0;
  if (site.second != second) {
    left_out = site.lines > kLinesPerSecond ? site.lines - kLinesPerSecond : 0;
    site = {second, 0};
  }
  return ++site.lines <= kLinesPerSecond;
}

int write(lua_State* L, LogLevel level) {
  if (level < log_level()) return 0;
  Host& host = host_of(L);
  check_string(L, 1, "lgen.log: format");
  const std::string place = where(L);
  std::uint64_t left_out = 0;
  if (!admit(host, place, left_out)) return 0;
  lua_getglobal(L, "string");
  lua_getfield(L, -1, "format");
  lua_insert(L, 1);
  lua_pop(L, 1);
  if (lua_pcall(L, lua_gettop(L) - 1, 1, 0) != 0) {
    raise(L, fmt::format("lgen.log: {}", lua_tostring(L, -1)));
  }
  std::string line = fmt::format("{}{}{}", place, to_view(L, -1),
                                 left_out ? fmt::format(" ({} more lines from here were left out)", left_out) : "");
  host.redactor.clean(line);
  log(level, line);
  return 0;
}

int debug(lua_State* L) { return write(L, LogLevel::debug); }
int info(lua_State* L) { return write(L, LogLevel::info); }
int warn(lua_State* L) { return write(L, LogLevel::warn); }
int error(lua_State* L) { return write(L, LogLevel::error); }

constexpr Binding kLog[] = {
    {"debug", debug, "fun(format: string, ...)",
     "[R] Shown with --log debug. At most 10 lines a second from one place."},
    {"info", info, "fun(format: string, ...)", "[R] Shown with --log info."},
    {"warn", warn, "fun(format: string, ...)", "[R] Shown unless --log error."},
    {"error", error, "fun(format: string, ...)", "[R] Shown unless --log off."},
};

}  // namespace

const Module kLogModule{.name = "lgen.log", .doc = "The run's log, on stderr or where --log says.", .bindings = kLog};

}  // namespace lgen::lua
