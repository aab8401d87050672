#include "grpc_call.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "grpc_metadata.h"
#include "host.h"
#include "mod_grpc.h"
#include "mod_proto.h"
#include "tailed_object.h"

namespace lgen::lua {
namespace {

constexpr CallWords kWords = {"ch:call",         "ch:call: timeout", "ch:call: wait_for_ready",
                              "ch:call: decode", "ch:call: tags",    "ch:call: compression"};

std::string_view first_value(const MetadataView* metadata, std::string_view key) {
  return metadata ? find_header(*metadata, key).value_or("") : std::string_view();
}

/// A server that fails a call at once sends one block of metadata, and gRPC calls all of it trailers.
std::string_view named_by(const MetadataView* headers, const MetadataView* trailers, std::string_view key) {
  const std::string_view name = first_value(headers, key);
  return name.empty() ? first_value(trailers, key) : name;
}

bool was_reached(const UnaryResult& result) { return result.connection > 0 || !result.peer.empty(); }

constexpr std::string_view kAttemptsKey = "grpc-previous-rpc-attempts";

/// From what a server echoes: how often a call had been tried before, and now once more; 0 when it does not say.
std::uint32_t attempts_of(std::optional<std::string_view> previous) {
  std::uint32_t count = 0;
  if (!previous) return 0;
  const auto end = previous->data() + previous->size();
  const auto [at, error] = std::from_chars(previous->data(), end, count);
  return error == std::errc() && at == end ? count + 1 : 0;
}

std::uint32_t attempts_in(std::string_view packed) { return attempts_of(find_packed(packed, kAttemptsKey)); }

std::uint32_t attempts_of(const UnaryResult& result) {
  const std::string_view told = first_value(result.headers, kAttemptsKey);
  return attempts_of(told.empty() ? first_value(result.trailers, kAttemptsKey) : told);
}

}  // namespace

std::string_view kind_of_failure(GrpcCode code, bool reached, bool cancelled_by_us) {
  if (code == GrpcCode::deadline_exceeded) return "timeout";
  if (code == GrpcCode::cancelled && cancelled_by_us) return "cancelled";
  if (code == GrpcCode::unavailable && !reached) return "connect";
  return "status";
}

std::string_view backend_by_metadata(const BackendRule& rule, const MetadataView* headers, const MetadataView* trailers,
                                     std::string_view peer, bool answered) {
  using Source = BackendRule::Source;
  switch (rule.source) {
    case Source::automatic: {
      const std::string_view name = named_by(headers, trailers, rule.key);
      return !name.empty() ? name : answered ? peer : std::string_view();
    }
    case Source::header:
      return named_by(headers, trailers, rule.key);
    case Source::trailer:
      return first_value(trailers, rule.key);
    case Source::peer:
      return peer;
    case Source::field:
      break;
  }
  return {};
}

std::string_view backend_by_field(lua_State* L, const BackendRule& rule) {
  const int top = lua_gettop(L);
  std::string_view found;
  lua_pushvalue(L, top);
  for (const std::string& name : rule.path) {
    if (lua_type(L, -1) != LUA_TTABLE) break;
    push(L, name);
    lua_rawget(L, -2);
  }
  if (lua_type(L, -1) == LUA_TSTRING) found = to_view(L, -1);  // the message keeps the string alive
  lua_settop(L, top);
  return found;
}

void push_status(lua_State* L, GrpcCode code, std::string_view message, std::string_view details,
                 std::string_view kind) {
  push_error(L, to_string(code), static_cast<int>(code), message, kind);
  if (details.empty()) return;
  lua_pushliteral(L, "details");
  push(L, details);
  lua_rawset(L, -3);
}

void push_attempts(lua_State* L, std::string_view headers, std::string_view trailers) {
  const std::uint32_t attempts = std::max(attempts_in(headers), attempts_in(trailers));
  attempts > 0 ? lua_pushinteger(L, attempts) : lua_pushnil(L);
}

// ---- the record of a call ----

void push_call_record(lua_State* L, std::string_view channel, std::string_view backend, const UnaryResult& result,
                      const GrpcStatus& status) {
  const auto size_of = [](std::string_view text) { return static_cast<std::uint32_t>(text.size()); };
  const auto packed = [](const MetadataView* m) { return static_cast<std::uint32_t>(packed_size(m)); };
  const CallRecord record{result.timing.done - result.timing.started,
                          status.code,
                          size_of(channel),
                          size_of(backend),
                          size_of(result.peer),
                          size_of(status.message),
                          size_of(status.details),
                          packed(result.headers),
                          packed(result.trailers)};
  const std::size_t size = record.channel + record.backend + record.peer + record.message + record.details +
                           std::size_t{record.headers} + record.trailers;
  char* out = tail_of(push_tailed_object(L, record, size));
  for (const std::string_view text :
       {channel, backend, result.peer, std::string_view(status.message), std::string_view(status.details)}) {
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    out += text.size();
  }
  pack_metadata(result.trailers, pack_metadata(result.headers, out));
}

int call_property(lua_State* L) {
  const auto& call = check_object<CallRecord>(L, 1, "call");
  const std::string_view name = lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : std::string_view();
  const char* at = tail_of(call);
  const auto next = [&at](std::uint32_t size) {
    const std::string_view text(at, size);
    at += size;
    return text;
  };
  const auto channel = next(call.channel), backend = next(call.backend), peer = next(call.peer);
  const auto message = next(call.message), details = next(call.details);
  const auto headers = next(call.headers), trailers = next(call.trailers);
  if (name == "duration") {
    lua_pushnumber(L, to_seconds(call.duration));
  } else if (name == "backend" || name == "peer" || name == "channel") {
    push(L, name == "backend" ? backend : name == "peer" ? peer : channel);
  } else if (name == "headers" || name == "trailers") {
    push_packed_metadata(L, name == "headers" ? headers : trailers);
  } else if (name == "status") {
    push_status(L, call.code, message, details, "status");
  } else if (name == "attempts") {
    push_attempts(L, headers, trailers);
  } else {
    return 0;
  }
  return 1;
}

// ---- arguments ----

const MethodInfo& check_call_method(lua_State* L, std::string_view what) {
  if (const auto* handle = test_object<MethodHandle>(L, 2)) return known_method(L, *handle, what);
  if (lua_type(L, 2) != LUA_TSTRING) {
    raise(L, fmt::format("{}: a method expected (api:method \"pkg.Service/Method\", or its path), got {}", what,
                         describe(L, 2)));
  }
  const std::string_view path = to_view(L, 2);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || slash + 1 == path.size() || path.find('/', 1) != slash) {
    raise(L, fmt::format("{}: \"{}\" is no method path; write \"/pkg.Service/Method\"", what, path));
  }
  return host_of(L).grpc->raw_method(path);
}

CallOptions make_call_options(lua_State* L, GrpcState& state, const CallDefaults& defaults,
                              const CallSettings& settings, std::string_view what) {
  CallOptions options;
  options.timeout = settings.timeout;
  options.wait_for_ready = settings.wait_for_ready.value_or(defaults.wait_for_ready);
  options.compression = settings.compression;
  if (settings.metadata == 0 && defaults.metadata_function == LUA_NOREF) {
    if (!defaults.metadata.empty()) options.metadata = &defaults.metadata;
    return options;
  }
  Metadata& metadata = state.metadata;
  metadata = defaults.metadata;
  if (defaults.metadata_function != LUA_NOREF) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, defaults.metadata_function);
    read_metadata(L, lua_gettop(L), what, metadata);
    lua_pop(L, 1);
  }
  if (settings.metadata != 0) read_metadata(L, settings.metadata, what, metadata);
  options.metadata = &metadata;
  return options;
}

CallSite& site_of_call(lua_State* L, PlanChannel& channel, const MethodInfo& method, const CallSettings& settings,
                       const CallWords& words) {
  Host& host = host_of(L);
  if (settings.tags == 0) return channel.site(host, host.current, method, nullptr);
  Labels tags;
  read_tags(L, settings.tags, words.tags, tags);
  return channel.site(host, host.current, method, &tags);
}

int call_unary(lua_State* L) {
  const Rc<PlanChannel>& channel = pick_channel(L, kWords.function);
  const MethodInfo& method = check_call_method(L, kWords.function);
  if (method.input && method.kind != MethodKind::unary) {
    raise(L, fmt::format("ch:call: {} is a streaming method ({}); use ch:open", method.name, to_string(method.kind)));
  }
  CallSettings settings = read_call_options(L, 4, kWords);
  Task& task = Task::check_can_wait(L, kWords.function);
  GrpcState& state = *host_of(L).grpc;
  if (!settings.timeout) settings.timeout = channel->defaults->timeout;
  CallOptions options = make_call_options(L, state, *channel->defaults, settings, kWords.function);
  if (const auto late = task.take_lateness()) options.intended = state.host.loop.precise_now() - *late;
  CallSite& site = site_of_call(L, *channel, method, settings, kWords);
  const std::string_view request = encode_argument(L, 3, method.input, kWords.function);
  return state.calls.take(state).start(L, task, channel, method, site, request, options, settings.decode);
}

// ---- the call itself ----

int UnaryCall::start(lua_State* L, Task& task, const Rc<PlanChannel>& channel, const MethodInfo& method, CallSite& site,
                     std::string_view request, const CallOptions& options, bool decode) {
  task_ = &task;
  channel_ = channel;
  method_ = &method;
  site_ = &site;
  decode_ = decode;
  trace_ = state_.trace.begin(method.name, channel->name);
  if (trace_) {
    state_.trace.metadata(trace_, options.metadata);
    state_.trace.sent(trace_, L, method.input, request);
  }
  site.call_started();
  op_ =
      channel->link->wire()->unary(method.path, request, options, [this](const UnaryResult& result) { ended(result); });
  channel->link->check_crowding(*channel->defaults);
  return task.await(L, *this);
}

void UnaryCall::ended(const UnaryResult& result) {
  Task& task = *task_;
  channel_->link->saw_peer(result.connection, result.peer);
  backend_ =
      backend_by_metadata(channel_->defaults->backend, result.headers, result.trailers, result.peer, result.answered);
  if (trace_) {
    state_.trace.headers(trace_, result.headers, result.peer);
    if (result.status.ok()) state_.trace.received(trace_, state_.host.L, method_->output, result.reply);
    state_.trace.ended(trace_, result.status, result.trailers, result.timing.done - result.timing.started);
  }
  int results = 0;
  if (task.cancel_requested()) {
    record(result, result.status.code);
  } else {
    results = push_results(task.co(), result);
  }
  channel_.reset();
  op_.reset();
  state_.calls.give(*this);
  task.wake([results](lua_State*) { return results; });
}

int UnaryCall::push_results(lua_State* L, const UnaryResult& result) {
  if (!result.status.ok()) return push_failure(L, result, result.status);
  const Outcome decoded = push_message(state_.host, L, decode_ ? method_->output : nullptr, result.reply);
  if (!decoded) {
    const GrpcStatus status{GrpcCode::internal, fmt::format("the reply cannot be decoded: {}", decoded.error().message),
                            ""};
    return push_failure(L, result, status);
  }
  const BackendRule& rule = channel_->defaults->backend;
  if (rule.source == BackendRule::Source::field) backend_ = backend_by_field(L, rule);
  record(result, GrpcCode::ok);
  lua_pushnil(L);
  push_call_record(L, channel_->name, backend_, result, result.status);
  return 3;
}

int UnaryCall::push_failure(lua_State* L, const UnaryResult& result, const GrpcStatus& status) {
  record(result, status.code);
  const Timing& t = result.timing;
  state_.host.add_error({.kind = "call",
                         .scenario = site_->key().scenario,
                         .phase = site_->key().phase,
                         .where = method_->name,
                         .channel = channel_->name,
                         .backend = backend_,
                         .code = to_string(status.code),
                         .message = status.message,
                         .duration = to_seconds(t.done - (t.intended == TimePoint{} ? t.started : t.intended))});
  const bool closed = channel_->link->wire()->state() == ChannelState::shutdown;
  lua_pushnil(L);
  push_status(L, status.code, status.message, status.details,
              closed ? "closed" : kind_of_failure(status.code, was_reached(result), false));
  if (result.trailers && !result.trailers->empty()) {
    lua_pushliteral(L, "trailers");
    push_metadata(L, result.trailers);
    lua_rawset(L, -3);
  }
  lua_pushliteral(L, "call");
  push_call_record(L, channel_->name, backend_, result, status);
  lua_rawset(L, -3);
  return 2;
}

/// Also settles who served the call: "unknown" when it cannot be learnt, nobody when it never left.
void UnaryCall::record(const UnaryResult& result, GrpcCode code) {
  if (backend_.empty() && was_reached(result)) backend_ = kUnknownBackend;
  CallSample sample;
  sample.timing = result.timing;
  sample.code = to_string(code);
  sample.backend = backend_;
  sample.connection = channel_->link->connection_id(result.connection);
  if (result.queued > Duration{0} || result.stalls > 0) [[unlikely]]
    site_->held_back(result.queued, result.stalls);
  const FirstOn first = site_->call_ended(sample);
  if (first != FirstOn::nothing) [[unlikely]]
    site_->first_call(first, sample, channel_->link->first_call_facts(result.connection));
  if (channel_->defaults->retries) site_->call_attempts(attempts_of(result));
}

}  // namespace lgen::lua
