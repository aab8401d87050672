#include "grpc_correlate.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "grpc_options.h"
#include "host.h"
#include "mod_proto.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr std::string_view kWhat = "ch:open: correlate";

/// What a plan's function has returned, at the top of the stack; false when that cannot be a key.
bool read_key(lua_State* L, FieldValue& key) {
  key = {};
  if (lua_type(L, -1) == LUA_TSTRING) {
    key.text = to_view(L, -1);
    return true;
  }
  if (lua_type(L, -1) != LUA_TNUMBER) return false;
  const double number = lua_tonumber(L, -1);
  if (number != std::floor(number) || std::fabs(number) > 0x1p53) return false;
  key.number = static_cast<std::int64_t>(number);
  return true;
}

}  // namespace

// ---- reading the option ----

StreamCorrelation::StreamCorrelation(Host& host, const MethodInfo& method, std::size_t max)
    : host_(host), method_(method), waiting_(max) {}

StreamCorrelation::~StreamCorrelation() {
  for (const Side* side : {&send_, &recv_}) {
    if (side->function != LUA_NOREF) luaL_unref(host_.L, LUA_REGISTRYINDEX, side->function);
  }
}

std::unique_ptr<StreamCorrelation> StreamCorrelation::read(lua_State* L, int index, const MethodInfo& method) {
  if (method.kind != MethodKind::bidi) {
    raise(L, fmt::format("{}: {} is no bidi stream: it does not answer message by message", kWhat, method.name));
  }
  std::size_t max = Correlation::kDefaultMax;
  if (lua_type(L, index) == LUA_TTABLE) {
    check_options(L, index, kWhat, kCorrelateOptions);
    max = static_cast<std::size_t>(
        integer_field(L, index, "max", kWhat, 1, 100'000'000).value_or(static_cast<std::int64_t>(max)));
  } else if (lua_type(L, index) != LUA_TSTRING) {
    raise(L, fmt::format("{}: \"order\", the path of a field or {{send=, recv=}} expected, got {}", kWhat,
                         describe(L, index)));
  }
  auto made = std::make_unique<StreamCorrelation>(host_of(L), method, max);
  made->read_table(L, index);
  return made;
}

void StreamCorrelation::read_table(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TSTRING) {
    const std::string_view word = to_view(L, index);
    if (word == "order") return;
    set_path(L, word, method_.input, send_);
    set_path(L, word, method_.output, recv_);
  } else {
    read_side(L, index, method_.input, send_);
    read_side(L, index, method_.output, recv_);
  }
  check_kinds(L);
}

void StreamCorrelation::read_side(lua_State* L, int index, const MessagePlan* plan, Side& side) {
  if (!get_field(L, index, side.name)) {
    raise(L, fmt::format("{}: {} is missing; name a field or a function on both sides, or say \"order\"", kWhat,
                         side.name));
  }
  if (lua_isfunction(L, -1)) {
    side.function = luaL_ref(L, LUA_REGISTRYINDEX);
    return;
  }
  set_path(L, check_string(L, -1, fmt::format("{}: {}", kWhat, side.name)), plan, side);
  lua_pop(L, 1);
}

void StreamCorrelation::set_path(lua_State* L, std::string_view path, const MessagePlan* plan, Side& side) {
  if (!plan) {
    raise(L, fmt::format("{}: a field needs a schema; {} is called by its path, so say \"order\" or give functions",
                         kWhat, method_.name));
  }
  auto found = FieldPath::make(*plan, path);
  if (!found) raise(L, fmt::format("{}: {}", kWhat, found.error().message));
  side.path = std::move(*found);
}

void StreamCorrelation::check_kinds(lua_State* L) const {
  if (!send_.path || !recv_.path || send_.path->is_text() == recv_.path->is_text()) return;
  raise(L, fmt::format("{}: {} can never equal {}", kWhat, send_.path->describe(), recv_.path->describe()));
}

// ---- matching ----

FieldValue StreamCorrelation::key_of_sent(lua_State* L, int index, std::string_view bytes) {
  FieldValue key;
  if (by_order()) return key;
  if (send_.path) {
    send_.path->read(bytes, key);
  } else {
    lua_rawgeti(L, LUA_REGISTRYINDEX, send_.function);
    lua_pushvalue(L, index);
    lua_call(L, 1, 1);
    if (!read_key(L, key)) {
      raise(L, fmt::format("{}: send: a string or a whole number expected, got {}", kWhat, describe(L, -1)));
    }
    lua_pop(L, 1);
  }
  return key;
}

void StreamCorrelation::sent(FieldValue key, const SendTimes& at) {
  ++sent_;
  if (by_order()) key.number = sent_;
  waiting_.sent(std::move(key), at);
}

void StreamCorrelation::received(std::string_view message, TimePoint at, CallSite& site) {
  FieldValue key;
  if (!key_of_received(message, key)) return site.message_unmatched();
  if (const auto sent = waiting_.answered(key)) return site.message_answered(at - sent->intended, at - sent->taken);
  const bool late = by_order() && key.number <= sent_;  // its message was given up and is counted as unanswered
  if (!late) site.message_unmatched();
}

bool StreamCorrelation::key_of_received(std::string_view message, FieldValue& key) {
  if (by_order()) {
    key.number = ++received_;
    return true;
  }
  return recv_.path ? recv_.path->read(message, key) : ask_function(message, key);
}

/// Outside of any task, so the function may not wait. The first failure is reported.
bool StreamCorrelation::ask_function(std::string_view message, FieldValue& key) {
  lua_State* L = host_.L;
  const int top = lua_gettop(L);
  lua_rawgeti(L, LUA_REGISTRYINDEX, recv_.function);
  std::string wrong;
  if (const Outcome decoded = push_message(host_, L, method_.output, message); !decoded) {
    wrong = decoded.error().message;
  } else if (const Outcome called = call_protected(L, 1, 1); !called) {
    wrong = called.error().message;
  } else if (!read_key(L, key)) {
    wrong = fmt::format("a string or a whole number expected, got {}", describe(L, -1));
  }
  lua_settop(L, top);
  if (wrong.empty()) return true;
  if (!std::exchange(complained_, true)) {
    const std::string text = fmt::format("{}: recv: {}", kWhat, wrong);
    host_.add_error({.kind = "stream", .where = method_.name, .code = "plan", .message = text});
  }
  return false;
}

}  // namespace lgen::lua
