#include "grpc_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "grpc_metadata.h"
#include "host.h"
#include "lgen/units.h"
#include "mod_json.h"
#include "mod_metrics.h"
#include "tags.h"

namespace lgen::lua {
namespace {

// ---- the tables: what is refused, what is offered, what the editor shows ----

constexpr std::array kChannelKeys = {
    Key{"transport", "\"grpc\"|\"h2\"",
        "gRPC core, or lgen's own client, where a channel is exactly one connection; default: --transport"},
    Key{"tls", "boolean|lgen.TlsOptions", "false: plaintext; default: as lgen.target, or by port"},
    Key{"authority", "string", ":authority to send; default: the server name, else the target"},
    Key{"lb", "string", "load balancing policy, \"pick_first\" (default) or \"round_robin\""},
    Key{"service_config", "string|table",
        "gRPC service config, as JSON text or as a table: { methodConfig = { ... } }"},
    Key{"keepalive", "lgen.Keepalive", "pings on idle connections; default: none"},
    Key{"backoff", "lgen.Backoff", "pauses between attempts to connect"},
    Key{"idle_timeout", "lgen.Duration", "disconnect after so long without calls; default: never"},
    Key{"max_recv", "lgen.Size", "largest message to accept; default: any"},
    Key{"max_send", "lgen.Size", "largest message to send; default: any"},
    Key{"compression", "\"none\"|\"gzip\"|\"deflate\"", "of what is sent; default: none"},
    Key{"user_agent", "string", "put in front of the user agent"},
    Key{"retries", "boolean",
        "let gRPC retry as service_config says, unseen by the plan but for call.attempts and stream.attempts; "
        "default: false"},
    Key{"wait_for_ready", "boolean", "calls wait for a connection instead of failing"},
    Key{"timeout", "lgen.Duration", "of unary calls that set none; default: none"},
    Key{"metadata", "table|fun():table", "sent with every call and stream"},
    Key{"tags", "table<string,string|number|boolean>", "labels of every call and stream"},
    Key{"backend", "lgen.BackendRule", "who served a call; default: header x-backend, else peer"},
    Key{"max_streams", "integer", "warn when more calls and streams are open on a connection"},
    Key{"args", "table<string,string|integer|boolean>", "raw channel arguments, applied last"}};
constexpr std::array kPoolOwnKeys = {
    Key{"size", "integer", "number of channels; default: 1"},
    Key{"pick", "\"round_robin\"|\"random\"|\"least_streams\"|\"by_vu\"|fun(pool: lgen.Pool, vu: table): integer",
        "which channel the next call goes to; default: round_robin"},
    Key{"connection", "\"own\"|\"shared\"", "one TCP connection per channel (default) or one for all"}};

template <std::size_t N, std::size_t M>
constexpr auto joined(const std::array<Key, N>& own, const std::array<Key, M>& common) {
  std::array<Key, N + M> all{};
  std::copy(own.begin(), own.end(), all.begin());
  std::copy(common.begin(), common.end(), all.begin() + N);
  return all;
}
constexpr auto kPoolKeys = joined(kPoolOwnKeys, kChannelKeys);

constexpr std::array kCallKeys = {
    Key{"timeout", "lgen.Duration", "deadline of the call"},
    Key{"metadata", "table|fun():table", "added to the channel's"},
    Key{"wait_for_ready", "boolean", "wait for a connection instead of failing"},
    Key{"compression", "\"none\"|\"gzip\"|\"deflate\"", "of what is sent; default: the channel's"},
    Key{"decode", "boolean", "false: replies stay bytes; default: true"},
    Key{"tags", "table<string,string|number|boolean>", "labels of this call, beside the task's and the channel's"}};
constexpr std::array kStreamOwnKeys = {Key{
    "correlate", "\"order\"|string|lgen.Correlate",
    "which reply of a bidi stream answers which message, for grpc_message_rtt_seconds: \"order\", the k-th the k-th; "
    "the path of a field that both have; or both sides apart"}};
constexpr auto kStreamKeys = joined(kStreamOwnKeys, kCallKeys);
constexpr std::array kCorrelateKeys = {
    Key{"send", "string|fun(message: any): string|number", "path of a field, \"a.id\", or what tells the key", true},
    Key{"recv", "string|fun(message: any): string|number", "the same of the replies", true},
    Key{"max", "integer", "messages that wait for an answer at most, then the oldest is given up; default: 10000"}};
constexpr std::array kTlsKeys = {
    Key{"ca", "string", "PEM file of accepted roots; default: the system's"},
    Key{"cert", "string", "PEM file of the client's certificate chain"},
    Key{"key", "string", "PEM file of its key"},
    Key{"server_name", "string", "name to send and to look for in the certificate"},
    Key{"verify", "boolean", "false: accept any certificate; default: true"},
    Key{"reuse", "boolean", "false: a full handshake for each connection; default: true (HTTP, transport h2)"}};
constexpr std::array kKeepaliveKeys = {Key{"time", "lgen.Duration", "between pings"},
                                       Key{"timeout", "lgen.Duration", "for the answer; default: 20 s"},
                                       Key{"without_calls", "boolean", "also while no call is open; default: false"}};
constexpr std::array kBackoffKeys = {Key{"initial", "lgen.Duration", "first pause; default: 100 ms"},
                                     Key{"min", "lgen.Duration", "least time an attempt gets; default: 1 s"},
                                     Key{"max", "lgen.Duration", "longest pause; default: 2 s"}};
constexpr std::array kBackendKeys = {
    Key{"header", "string", "name of a response header (a trailer, if it fails at once)"},
    Key{"trailer", "string", "name of a response trailer"},
    Key{"field", "string", "path of a field of the first reply, \"a.b\""},
    Key{"peer", "boolean", "the address of the connection"}};

constexpr KeySet kTlsOptions = {"lgen.TlsOptions", kTlsKeys};
constexpr KeySet kKeepaliveOptions = {"lgen.Keepalive", kKeepaliveKeys};
constexpr KeySet kBackoffOptions = {"lgen.Backoff", kBackoffKeys};
constexpr KeySet kBackendOptions = {"lgen.BackendRule", kBackendKeys};

// ---- reading ----

template <class T>
struct Choice {
  std::string_view word;
  T value;
};

template <class T, std::size_t N>
T choose(lua_State* L, std::string_view word, std::string_view what, const Choice<T> (&choices)[N]) {
  std::vector<std::string_view> words;
  for (const Choice<T>& choice : choices) {
    if (choice.word == word) return choice.value;
    words.push_back(choice.word);
  }
  const std::string_view guess = did_you_mean(word, words);
  raise(L, guess.empty() ? fmt::format("{}: '{}' is none of: {}", what, word, fmt::join(words, ", "))
                         : fmt::format("{}: unknown value '{}' (did you mean '{}'?)", what, word, guess));
}

TlsOptions read_tls_table(lua_State* L, int index, const std::string& what) {
  check_options(L, index, what, kTlsOptions);
  TlsOptions tls;
  tls.ca = string_field(L, index, "ca", what).value_or("");
  tls.cert = string_field(L, index, "cert", what).value_or("");
  tls.key = string_field(L, index, "key", what).value_or("");
  tls.server_name = string_field(L, index, "server_name", what).value_or("");
  tls.verify = boolean_field(L, index, "verify", what).value_or(true);
  tls.reuse = boolean_field(L, index, "reuse", what).value_or(true);
  tls.key_log = host_of(L).settings.key_log;
  return tls;
}

/// What the command line says holds for channels to lgen.target; elsewhere the port decides.
void set_security_defaults(const Settings& settings, const std::string& target, ChannelOptions& wire) {
  wire.use_env_proxy = settings.use_env_proxy;
  wire.net = settings.net;
  if (target == settings.target) {
    wire.tls = settings.tls;
    wire.authority = settings.authority;
  } else if (default_port_wants_tls(target)) {
    wire.tls = TlsOptions{.key_log = settings.key_log};
  }
}

void read_tls(lua_State* L, int index, const std::string& what, ChannelOptions& wire) {
  if (lua_type(L, index) == LUA_TTABLE) {
    wire.tls = read_tls_table(L, index, what);
  } else if (!check_boolean(L, index, what)) {
    wire.tls.reset();
  } else if (!wire.tls) {
    wire.tls = TlsOptions{.key_log = host_of(L).settings.key_log};
  }
}

void read_keepalive(lua_State* L, int index, const std::string& what, Keepalive& keepalive) {
  check_options(L, index, what, kKeepaliveOptions);
  const auto above_0 = [&](const char* key, Duration& value) {
    value = duration_field(L, index, key, what).value_or(value);
    if (value.count() == 0) raise(L, fmt::format("{}: {}: a time longer than 0 is expected", what, key));
  };
  above_0("time", keepalive.time);
  above_0("timeout", keepalive.timeout);
  keepalive.without_calls = boolean_field(L, index, "without_calls", what).value_or(false);
}

void read_backoff(lua_State* L, int index, const std::string& what, Backoff& backoff) {
  check_options(L, index, what, kBackoffOptions);
  backoff.initial = duration_field(L, index, "initial", what).value_or(backoff.initial);
  backoff.min = duration_field(L, index, "min", what).value_or(backoff.min);
  backoff.max = duration_field(L, index, "max", what).value_or(backoff.max);
  if (backoff.initial > backoff.max) raise(L, fmt::format("{}: initial is longer than max", what));
}

void read_args(lua_State* L, int index, const std::string& what, ChannelOptions& wire) {
  check_table(L, index, what);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const std::string_view key = check_string(L, -2, what);
    auto& value = wire.args[std::string(key)];
    if (lua_type(L, -1) == LUA_TSTRING) {
      value = std::string(to_view(L, -1));
    } else if (lua_type(L, -1) == LUA_TBOOLEAN) {
      value = std::int64_t{lua_toboolean(L, -1)};
    } else {
      value = check_integer(L, -1, fmt::format("{}: {}", what, key), INT32_MIN, INT32_MAX);
    }
    lua_pop(L, 1);
  }
}

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    parts.emplace_back(path.substr(at, dot - at));
    at = dot + 1;
  }
  return parts;
}

BackendRule read_backend(lua_State* L, int index, const std::string& what) {
  using Source = BackendRule::Source;
  check_options(L, index, what, kBackendOptions);
  static constexpr std::pair<const char*, Source> kSources[] = {
      {"header", Source::header}, {"trailer", Source::trailer}, {"field", Source::field}};
  BackendRule rule;
  int given = 0;
  for (const auto& [key, source] : kSources) {
    const auto value = string_field(L, index, key, what);
    if (!value) continue;
    rule.source = source;
    rule.key = *value;
    ++given;
  }
  if (rule.source == Source::field) rule.path = split_path(rule.key);
  if (boolean_field(L, index, "peer", what).value_or(false)) {
    rule.source = Source::peer;
    ++given;
  }
  if (given != 1) raise(L, fmt::format("{}: give one of header, trailer, field, peer", what));
  return rule;
}

Compression read_compression(lua_State* L, std::string_view word, std::string_view what) {
  static constexpr Choice<Compression> kChoices[] = {
      {"none", Compression::none}, {"gzip", Compression::gzip}, {"deflate", Compression::deflate}};
  return choose(L, word, what, kChoices);
}

/// JSON text, or the table that it stands for.
std::string read_service_config(lua_State* L, int index, const std::string& what) {
  if (lua_type(L, index) == LUA_TSTRING) return std::string(to_view(L, index));
  if (lua_type(L, index) != LUA_TTABLE) {
    raise(L, fmt::format("{}: JSON text or a table expected, got {}", what, describe(L, index)));
  }
  const auto text = json_text(L, index);
  if (!text) raise(L, fmt::format("{}: {}", what, text.error().message));
  return *text;
}

/// How long a call may take.
Duration read_deadline(lua_State* L, int index, std::string_view what) {
  const Duration timeout = check_duration(L, index, what);
  if (timeout == Duration{0})
    raise(L, fmt::format("{}: 0 leaves no time for an answer; without one there is no deadline", what));
  return timeout;
}

void read_wire_options(lua_State* L, int o, const std::string& what, ChannelOptions& wire) {
  const auto named = [&](const char* key) { return fmt::format("{}: {}", what, key); };
  with_field(L, o, "tls", [&](int at) { read_tls(L, at, named("tls"), wire); });
  if (auto authority = string_field(L, o, "authority", what)) wire.authority = *authority;
  wire.lb = string_field(L, o, "lb", what).value_or("");
  with_field(L, o, "service_config",
             [&](int at) { wire.service_config = read_service_config(L, at, named("service_config")); });
  with_field(L, o, "keepalive", [&](int at) { read_keepalive(L, at, named("keepalive"), wire.keepalive); });
  with_field(L, o, "backoff", [&](int at) { read_backoff(L, at, named("backoff"), wire.backoff); });
  wire.idle_timeout = duration_field(L, o, "idle_timeout", what);
  wire.max_recv = size_field(L, o, "max_recv", what);
  wire.max_send = size_field(L, o, "max_send", what);
  wire.user_agent = string_field(L, o, "user_agent", what).value_or("");
  wire.retries = boolean_field(L, o, "retries", what).value_or(false);
  with_field(L, o, "args", [&](int at) { read_args(L, at, named("args"), wire); });
  if (auto word = string_field(L, o, "compression", what)) {
    wire.compression = read_compression(L, *word, named("compression"));
  }
}

void read_call_defaults(lua_State* L, int o, const std::string& what, CallDefaults& calls) {
  const auto named = [&](const char* key) { return fmt::format("{}: {}", what, key); };
  with_field(L, o, "timeout", [&](int at) { calls.timeout = read_deadline(L, at, named("timeout")); });
  calls.wait_for_ready = boolean_field(L, o, "wait_for_ready", what).value_or(false);
  with_field(L, o, "metadata", [&](int at) {
    if (!lua_isfunction(L, at)) return read_metadata(L, at, what, calls.metadata);
    lua_pushvalue(L, at);
    calls.metadata_function = luaL_ref(L, LUA_REGISTRYINDEX);
  });
  with_field(L, o, "tags", [&](int at) { read_tags(L, at, named("tags"), calls.tags); });
  with_field(L, o, "backend", [&](int at) { calls.backend = read_backend(L, at, named("backend")); });
  if (auto limit = integer_field(L, o, "max_streams", what, 1, INT32_MAX)) {
    calls.max_streams = static_cast<std::uint64_t>(*limit);
  }
}

void read_pick(lua_State* L, int index, const std::string& what, ChannelDecl& decl) {
  if (lua_isfunction(L, index)) {
    lua_pushvalue(L, index);
    decl.pick_function = luaL_ref(L, LUA_REGISTRYINDEX);
    return;
  }
  static constexpr Choice<Pick> kChoices[] = {{"round_robin", Pick::round_robin},
                                              {"random", Pick::random},
                                              {"least_streams", Pick::least_streams},
                                              {"by_vu", Pick::by_vu}};
  decl.pick = choose(L, check_string(L, index, what), what, kChoices);
}

void read_pool_options(lua_State* L, int o, const std::string& what, ChannelDecl& decl) {
  decl.size = static_cast<std::size_t>(integer_field(L, o, "size", what, 1, 1'000'000).value_or(1));
  with_field(L, o, "pick", [&](int at) { read_pick(L, at, fmt::format("{}: pick", what), decl); });
  if (auto word = string_field(L, o, "connection", what)) {
    static constexpr Choice<bool> kChoices[] = {{"own", false}, {"shared", true}};
    decl.shared = choose(L, *word, fmt::format("{}: connection", what), kChoices);
  }
}

}  // namespace

const KeySet kChannelOptions = {"lgen.ChannelOptions", kChannelKeys};
const KeySet kPoolOptions = {"lgen.PoolOptions", kPoolKeys};
const KeySet kCallOptions = {"lgen.CallOptions", kCallKeys};
const KeySet kStreamOptions = {"lgen.StreamOptions", kStreamKeys};
const KeySet kCorrelateOptions = {"lgen.Correlate", kCorrelateKeys};

std::span<const KeySet> grpc_option_tables() {
  static const std::array tables = {kChannelOptions,   kPoolOptions,      kCallOptions,
                                    kStreamOptions,    kCorrelateOptions, kTlsOptions,
                                    kKeepaliveOptions, kBackoffOptions,   kBackendOptions};
  return tables;
}

void read_channel_options(lua_State* L, int index, std::string_view what_view, const std::string& target, bool pool,
                          ChannelDecl& decl) {
  const std::string what(what_view);
  const Settings& settings = host_of(L).settings;
  decl.transport = settings.transport;
  set_security_defaults(settings, target, decl.wire);
  if (lua_isnoneornil(L, index)) return;
  check_options(L, index, what, pool ? kPoolOptions : kChannelOptions);
  if (auto word = string_field(L, index, "transport", what)) {
    static constexpr Choice<std::string_view> kChoices[] = {{"grpc", "grpc"}, {"h2", "h2"}};
    decl.transport = choose(L, *word, what + ": transport", kChoices);
  }
  read_wire_options(L, index, what, decl.wire);
  read_call_defaults(L, index, what, decl.calls);
  decl.calls.retries = decl.wire.retries;
  if (pool) read_pool_options(L, index, what, decl);
}

CallSettings read_call_options(lua_State* L, int index, const CallWords& words) {
  CallSettings settings;
  if (lua_isnoneornil(L, index)) return settings;
  check_table(L, index, words.function);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const std::string_view key = lua_type(L, -2) == LUA_TSTRING ? to_view(L, -2) : std::string_view();
    if (key == "timeout") {
      settings.timeout = read_deadline(L, -1, words.timeout);
    } else if (key == "wait_for_ready") {
      settings.wait_for_ready = check_boolean(L, -1, words.wait_for_ready);
    } else if (key == "decode") {
      settings.decode = check_boolean(L, -1, words.decode);
    } else if (key == "metadata") {
      settings.metadata = -1;
    } else if (key == "tags") {
      settings.tags = -1;
    } else if (key == "compression") {
      settings.compression = read_compression(L, check_string(L, -1, words.compression), words.compression);
    } else if (key == "correlate" && words.stream) {
      settings.correlate = -1;
    } else {
      check_keys(L, index, words.function, words.stream ? kStreamOptions.keys : kCallOptions.keys);
    }
    lua_pop(L, 1);
  }
  const std::pair<const char*, int*> kept[] = {
      {"metadata", &settings.metadata}, {"tags", &settings.tags}, {"correlate", &settings.correlate}};
  for (const auto& [key, place] : kept) {
    if (*place != 0 && get_field(L, index, key)) *place = lua_gettop(L);
  }
  return settings;
}

TlsOptions read_tls_options(lua_State* L, int index, const std::string& what) { return read_tls_table(L, index, what); }
BackendRule read_backend_rule(lua_State* L, int index, const std::string& what) { return read_backend(L, index, what); }

void read_tags(lua_State* L, int index, std::string_view what, Labels& tags) {
  check_table(L, index, what);
  lua_pushnil(L);
  while (lua_next(L, index)) {
    const std::string_view name = check_string(L, -2, what);
    std::string value = label_text(L, -1, fmt::format("{}: {}", what, name));
    check_tag_name(L, name, what);
    std::erase_if(tags, [&](const auto& tag) { return tag.first == name; });
    tags.emplace_back(name, std::move(value));
    host_of(L).measure->tag_limit.given(L, name);
    lua_pop(L, 1);
  }
  std::sort(tags.begin(), tags.end());
}

}  // namespace lgen::lua
