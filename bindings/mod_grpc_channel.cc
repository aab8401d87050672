// lgen.Channel, lgen.Pool and lgen.Call: one set of functions serves channels and pools.
#include <fmt/format.h>

#include "grpc_call.h"
#include "grpc_channel.h"
#include "grpc_events.h"
#include "grpc_ready.h"
#include "grpc_stream.h"
#include "host.h"
#include "mod_grpc.h"

namespace lgen::lua {
namespace {

/// Of a pool: READY when all are, else the state of the first that is not.
int state(lua_State* L) {
  ChannelState found = ChannelState::ready;
  for (const auto& link : links_of(L, "ch:state")) {
    if (found == ChannelState::ready) found = link->wire()->state();
  }
  push(L, to_string(found));
  return 1;
}

int connect(lua_State* L) {
  const auto links = links_of(L, "ch:connect");
  host_of(L).forbid_at_load(L, "ch:connect");
  for (const auto& link : links) link->wire()->connect();
  return 0;
}

int reconnect(lua_State* L) {
  const auto links = links_of(L, "ch:reconnect");
  host_of(L).forbid_at_load(L, "ch:reconnect");
  for (const auto& link : links) link->wire()->reconnect();
  return 0;
}

int close(lua_State* L) {
  const auto links = links_of(L, "ch:close");
  host_of(L).forbid_at_load(L, "ch:close");
  for (const auto& link : links) link->close();
  return 0;
}

int channel_property(lua_State* L) {
  if (lua_type(L, 2) != LUA_TSTRING || to_view(L, 2) != "name") return 0;
  push(L, check_object<ChannelHandle>(L, 1, "ch").channel->name);
  return 1;
}

int pool_length(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(check_object<PoolHandle>(L, 1, "pool").pool->channels.size()));
  return 1;
}

/// pool[i] and pool.name.
int pool_property(lua_State* L) {
  const PlanPool& pool = *check_object<PoolHandle>(L, 1, "pool").pool;
  if (lua_type(L, 2) == LUA_TSTRING && to_view(L, 2) == "name") {
    push(L, pool.name);
    return 1;
  }
  if (lua_type(L, 2) != LUA_TNUMBER) return 0;
  const auto size = static_cast<std::int64_t>(pool.channels.size());
  const std::int64_t index = check_integer(L, 2, "index of the pool", 1, size);
  push_object<ChannelHandle>(L, ChannelHandle{pool.channels[static_cast<std::size_t>(index) - 1]});
  return 1;
}

/// Iterator of pool:each(): (pool, i) -> i + 1, pool[i + 1].
int next_channel(lua_State* L) {
  const PlanPool& pool = *check_object<PoolHandle>(L, 1, "pool:each").pool;
  const auto index = static_cast<std::size_t>(lua_tonumber(L, 2));
  if (index >= pool.channels.size()) return 0;
  lua_pushinteger(L, static_cast<lua_Integer>(index) + 1);
  push_object<ChannelHandle>(L, ChannelHandle{pool.channels[index]});
  return 2;
}

int each(lua_State* L) {
  check_object<PoolHandle>(L, 1, "pool:each");
  lua_pushcfunction(L, next_channel);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 0);
  return 3;
}

int tostring(lua_State* L) {
  if (auto* handle = test_object<ChannelHandle>(L, 1)) {
    push(L, fmt::format("channel \"{}\" to {}", handle->channel->name, handle->channel->link->target()));
    return 1;
  }
  const PlanPool& pool = *check_object<PoolHandle>(L, 1, "tostring").pool;
  push(L, fmt::format("pool \"{}\" of {} channels to {}", pool.name, pool.channels.size(),
                      pool.channels.front()->link->target()));
  return 1;
}

constexpr Binding kCall = {
    "call", call_unary,
    "fun(self, method: lgen.Method|string, message: table|lgen.Encoded|string, options?: lgen.CallOptions): any, "
    "lgen.Error?, lgen.Call?",
    "[Y R E] a unary call: reply, nil, call; or nil, err"};
constexpr Binding kOpen = {"open", open_stream,
                           "fun(self, method: lgen.Method|string, options?: lgen.StreamOptions): lgen.Stream",
                           "[R] opens a stream, without waiting"};
constexpr Binding kHealth = {"health", nullptr,
                             "fun(self, service?: string, options?: lgen.CallOptions): "
                             "\"SERVING\"|\"NOT_SERVING\"|\"UNKNOWN\"|nil, lgen.Error?",
                             "[Y E] asks grpc.health.v1; a service the server does not know is NOT_FOUND"};
constexpr Binding kWatchHealth = {
    "watch_health", nullptr, "fun(self, service?: string, options?: lgen.StreamOptions): fun(): string?, lgen.Error?",
    "[Y R] for status in ch:watch_health(): now and at every change, also SERVICE_UNKNOWN, until the VU is told to "
    "stop; "
    "when the watch fails, last UNKNOWN and the error"};
constexpr Binding kState = {"state", state,
                            "fun(self): \"IDLE\"|\"CONNECTING\"|\"READY\"|\"TRANSIENT_FAILURE\"|\"SHUTDOWN\"",
                            "of a pool: READY when all are, else that of the first that is not"};
constexpr Binding kConnect = {"connect", connect, "fun(self)", "starts connecting, without waiting"};
constexpr Binding kWaitReady = {"wait_ready", wait_ready, "fun(self, timeout?: lgen.Duration): true?, lgen.Error?",
                                "[Y E] connects and waits until READY"};
constexpr Binding kReconnect = {"reconnect", reconnect, "fun(self)",
                                "a new connection for new calls; the old one lives until its streams end"};
constexpr Binding kClose = {"close", close, "fun(self)", "no new calls; running ones are cancelled"};
constexpr Binding kEvents = {"events", push_event_loop, "fun(self): fun(): lgen.ChannelEvent?",
                             "[Y] for ev in ch:events(): every change of state from now on"};

constexpr Binding kChannelBindings[] = {kCall,
                                        kOpen,
                                        kHealth,
                                        kWatchHealth,
                                        kState,
                                        kConnect,
                                        kWaitReady,
                                        kReconnect,
                                        kClose,
                                        kEvents,
                                        {"name", nullptr, "string", "as given; of a pool's channel \"main[1]\""}};
constexpr Binding kPoolBindings[] = {
    kCall,
    kOpen,
    kHealth,
    kWatchHealth,
    kState,
    kConnect,
    kWaitReady,
    kReconnect,
    kClose,
    kEvents,
    {"each", each, "fun(self): fun(): integer, lgen.Channel", "for i, ch in pool:each()"},
    {"name", nullptr, "string", "as given"},
    {"[integer]", nullptr, "lgen.Channel", "pool[1] ... pool[#pool]"}};

constexpr Binding kCallBindings[] = {
    {"duration", nullptr, "number", "seconds from start to status"},
    {"backend", nullptr, "string", "who served it; \"unknown\" when not learnt, \"\" when it never left"},
    {"peer", nullptr, "string", "\"127.0.0.1:50051\", \"\" when it never left"},
    {"channel", nullptr, "string", "\"main[1]\""},
    {"headers", nullptr, "table<string, string|string[]>", "of the response"},
    {"trailers", nullptr, "table<string, string|string[]>", "of the response"},
    {"status", nullptr, "lgen.Error", "code \"OK\" included"},
    {"attempts", nullptr, "integer?", "how often it was tried; nil when the server does not tell"},
};

constexpr Key kEventKeys[] = {
    {"channel", "string", "\"main[1]\""},
    {"state", "string", "\"READY\", ..."},
    {"prev", "string", "the state before"},
    {"at", "number", "in lgen.now() time"},
    {"connection", "string", "\"main[1]#2\": made or left"},
    {"reason", "string", "why it was left or could not be made, as far as known"},
    {"goaway", "true|\"inferred\"", "the server asked to leave: seen, or inferred from a stream that lives on"},
    {"timing", "{dns: number, connect: number, tls: number, settings: number, total: number}",
     "of a connection made by transport h2: seconds of each step"},
};
constexpr KeySet kEventFields[] = {{"lgen.ChannelEvent", kEventKeys}};

}  // namespace

const Module kChannelClass = {"lgen.Channel",
                              "A gRPC channel: one connection at a time.",
                              kChannelBindings,
                              kEventFields,
                              &ChannelHandle::kType,
                              collect_object<ChannelHandle>,
                              channel_property,
                              nullptr,
                              tostring};
const Module kPoolClass = {"lgen.Pool",
                           "Several channels under one name; has every method of a channel.",
                           kPoolBindings,
                           {},
                           &PoolHandle::kType,
                           collect_object<PoolHandle>,
                           pool_property,
                           pool_length,
                           tostring};
const Module kCallClass = {
    "lgen.Call", "What is known of an ended call.", kCallBindings, {}, &CallRecord::kType, nullptr, call_property};
const Module kEventFeedClass = {"_lgen.EventFeed", "", {}, {}, &FeedHandle::kType, collect_object<FeedHandle>};

}  // namespace lgen::lua
