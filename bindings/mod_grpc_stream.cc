// lgen.Stream: what a plan can do with an open stream.
#include <fmt/format.h>

#include "grpc_call.h"
#include "grpc_metadata.h"
#include "grpc_stream.h"
#include "host.h"
#include "mod_grpc.h"
#include "mod_proto.h"

namespace lgen::lua {
namespace {

constexpr CallWords kWords = {"ch:open",
                              "ch:open: timeout",
                              "ch:open: wait_for_ready",
                              "ch:open: decode",
                              "ch:open: tags",
                              "ch:open: compression",
                              true};

LuaStream& self(lua_State* L, std::string_view what) { return *check_object<StreamHandle>(L, 1, what).stream; }

std::optional<Duration> optional_duration(lua_State* L, int index, std::string_view what) {
  if (lua_isnoneornil(L, index)) return std::nullopt;
  return check_duration(L, index, what);
}

int send(lua_State* L) {
  LuaStream& stream = self(L, "s:send");
  if (stream.half_closed() && !stream.done()) {
    raise(L, stream.method().kind == MethodKind::server
                 ? "s:send: the method takes one request, and it has been sent"
                 : "s:send: the stream is half-closed; send before s:half_close or s:close");
  }
  return stream.send(L, encode_argument(L, 2, stream.method().input, "s:send"));
}

int recv(lua_State* L) {
  LuaStream& stream = self(L, "s:recv");
  const auto timeout = optional_duration(L, 2, "s:recv: timeout");
  Task::check_can_wait(L, "s:recv");
  return stream.receive(L, StreamWait::For::message, timeout);
}

int next_message(lua_State* L) {
  LuaStream& stream = self(L, "s:messages");
  const Task& task = Task::check_can_wait(L, "s:messages");
  if (task.vu() && task.vu()->stopping()) return 0;
  return stream.receive(L, StreamWait::For::next, std::nullopt);
}

int messages(lua_State* L) {
  self(L, "s:messages");
  lua_pushlightuserdata(L, &host_of(L));
  lua_pushcclosure(L, next_message, 1);
  lua_pushvalue(L, 1);
  return 2;
}

int half_close(lua_State* L) {
  self(L, "s:half_close").half_close();
  return 0;
}

int close(lua_State* L) {
  LuaStream& stream = self(L, "s:close");
  return stream.close(L, optional_duration(L, 2, "s:close: timeout"));
}

int cancel(lua_State* L) {
  LuaStream& stream = self(L, "s:cancel");
  stream.cancel(lua_isnoneornil(L, 2) ? "cancelled by the plan" : check_string(L, 2, "s:cancel: reason"));
  return 0;
}

int headers(lua_State* L) {
  const LuaStream& stream = self(L, "s:headers");
  stream.has_headers() ? push_packed_metadata(L, stream.headers()) : lua_pushnil(L);
  return 1;
}

int trailers(lua_State* L) {
  const LuaStream& stream = self(L, "s:trailers");
  stream.done() ? push_packed_metadata(L, stream.trailers()) : lua_pushnil(L);
  return 1;
}

int status(lua_State* L) {
  const LuaStream& stream = self(L, "s:status");
  stream.done() ? stream.push_end_status(L) : lua_pushnil(L);
  return 1;
}

int backend(lua_State* L) {
  LuaStream& stream = self(L, "s:backend");
  return stream.backend(L, optional_duration(L, 2, "s:backend: timeout"));
}

int stream_property(lua_State* L) {
  const LuaStream& stream = self(L, "s");
  const std::string_view name = lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : std::string_view();
  if (name == "id") {
    lua_pushnumber(L, static_cast<double>(stream.id()));
  } else if (name == "channel") {
    push(L, stream.channel().name);
  } else if (name == "sent") {
    lua_pushnumber(L, static_cast<double>(stream.sent()));
  } else if (name == "received") {
    lua_pushnumber(L, static_cast<double>(stream.received()));
  } else if (name == "connection") {
    const std::string connection = stream.connection();
    connection.empty() ? lua_pushnil(L) : push(L, connection);
  } else if (name == "attempts") {
    push_attempts(L, stream.headers(), stream.trailers());
  } else {
    return 0;
  }
  return 1;
}

int stream_tostring(lua_State* L) {
  const LuaStream& stream = self(L, "s");
  push(L, fmt::format("stream {} of {} on {}", stream.id(), stream.method().name, stream.channel().name));
  return 1;
}

constexpr Binding kStreamBindings[] = {
    {"send", send, "fun(self, message: table|lgen.Encoded|string): true?, lgen.Error?",
     "[Y R E] puts a message into the send buffer; waits only while that is full"},
    {"recv", recv, "fun(self, timeout?: lgen.Duration): any, lgen.Error?",
     "[Y E] the next message; after the last one nil and the status"},
    {"messages", messages, "fun(self): fun(): any",
     "[Y] for message in s:messages(): until the stream ends or the VU is told to stop"},
    {"half_close", half_close, "fun(self)", "no more messages from us; the stream goes on"},
    {"close", close, "fun(self, timeout?: lgen.Duration): any, lgen.Error?",
     "[Y E] half-closes, reads on to the end: the last or only reply, or nil and the status"},
    {"cancel", cancel, "fun(self, reason?: string)", "ends the stream at once; its status is CANCELLED"},
    {"headers", headers, "fun(self): table<string, string|string[]>?",
     "the server's headers; nil until they have come"},
    {"trailers", trailers, "fun(self): table<string, string|string[]>?", "the server's trailers; nil until the end"},
    {"status", status, "fun(self): lgen.Error?", "how it ended, code \"OK\" included; nil while it is open"},
    {"backend", backend, "fun(self, timeout?: lgen.Duration): string?, lgen.Error?",
     "[Y E] who serves it; waits until that is known"},
    {"id", nullptr, "integer", "1, 2, ... in the order of opening"},
    {"channel", nullptr, "string", "\"main[1]\""},
    {"sent", nullptr, "integer", "messages accepted; after the end, those really written"},
    {"received", nullptr, "integer", "messages that have come in"},
    {"attempts", nullptr, "integer?",
     "how often it was tried; nil until the server has told, with its headers or at the end, or when it does not"},
    {"connection", nullptr, "string?", "\"main[1]#2\": channel and number of its connection; nil until it has left"},
};

}  // namespace

int open_stream(lua_State* L) {
  const Rc<PlanChannel>& channel = pick_channel(L, kWords.function);
  Host& host = host_of(L);
  host.forbid_at_load(L, kWords.function);
  const MethodInfo& method = check_call_method(L, kWords.function);
  if (method.kind == MethodKind::unary) raise(L, fmt::format("ch:open: {} is unary; use ch:call", method.name));
  const CallSettings settings = read_call_options(L, 3, kWords);
  if (!host.current) raise(L, "ch:open: only inside setup, run, teardown or lgen.spawn");
  if (host.current->cancel_requested()) {
    push_cancelled(L);
    return lua_error(L);
  }
  GrpcState& state = *host.grpc;
  const CallOptions options = make_call_options(L, state, *channel->defaults, settings, kWords.function);
  CallSite& site = site_of_call(L, *channel, method, settings, kWords);
  auto correlation = settings.correlate ? StreamCorrelation::read(L, settings.correlate, method) : nullptr;
  auto* stream = new LuaStream(state, *host.current, channel, method, site, settings.decode, std::move(correlation));
  push_object<StreamHandle>(L, *stream);
  stream->release();  // the handle holds it now
  stream->open(options);
  return 1;
}

const Module kStreamClass = {"lgen.Stream",        "A gRPC stream of any kind.", kStreamBindings, {},
                             &StreamHandle::kType, collect_object<StreamHandle>, stream_property, nullptr,
                             stream_tostring};

}  // namespace lgen::lua
