#include "http_options.h"

#include <fmt/format.h>

#include <array>

#include "host.h"
#include "lgen/units.h"

namespace lgen::lua {
namespace {

constexpr std::array kClientKeys = {
    Key{"base", "string", "what paths are behind, \"http://host:port\"; default: the target"},
    Key{"version", "\"1.1\"|\"2\"",
        "of HTTP; 2 without TLS: the server is known to speak it; default: what ALPN chooses, without TLS 1.1"},
    Key{"keepalive", "boolean", "false: a connection for each request; default: true"},
    Key{"max_connections", "integer",
        "to each host and port; further requests wait; default: as many as are wanted, of HTTP/2 one"},
    Key{"timeout", "lgen.Duration", "of a whole request, connecting included; 0: none; default: 30 s"},
    Key{"connect_timeout", "lgen.Duration", "name, TCP, TLS and HTTP/2's SETTINGS together; default: 10 s"},
    Key{"headers", "table<string,string|string[]>", "of every request"},
    Key{"tls", "lgen.TlsOptions", "for https; default: what --ca, --cert and the like say"},
    Key{"follow", "integer", "redirects that a request follows at most; default: 0"},
    Key{"gzip", "boolean", "false: do not offer it, and leave what comes packed as it is; default: true"},
    Key{"max_body", "lgen.Size", "largest body to accept, unpacked; default: 64 MiB"},
    Key{"max_head", "lgen.Size", "largest status line and headers to accept; default: 64 KiB"},
    Key{"connect_to", "string", "connect here instead: \"host:port\" or \"unix:/path\""},
    Key{"user_agent", "string", "default: lgen/VERSION"},
    Key{"tags", "table<string,string|number|boolean>", "labels of every request"},
    Key{"backend", "lgen.BackendRule", "who answered, not by trailer; default: header x-backend, else peer"}};
constexpr std::array kRequestKeys = {
    Key{"headers", "table<string,string|string[]>", "added to the client's"},
    Key{"json", "any", "the body, as lgen.json.encode writes it"},
    Key{"timeout", "lgen.Duration", "of this request; 0: none"},
    Key{"name", "string", "what it counts as, where paths are many; default: its path"},
    Key{"tags", "table<string,string|number|boolean>", "labels of this request, beside the task's and the client's"}};

constexpr KeySet kClientOptions = {"lgen.HttpClientOptions", kClientKeys};
constexpr KeySet kRequestOptions = {"lgen.HttpRequestOptions", kRequestKeys};

void add_header(lua_State* L, std::string_view what, std::string_view name, HttpHeaders& out) {
  if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
    raise(L, fmt::format("{}: header '{}': string or list of strings expected, got {}", what, name, describe(L, -1)));
  }
  lua_pushvalue(L, -1);
  out.emplace_back(name, to_view(L, -1));
  lua_pop(L, 1);
}

void check_base(lua_State* L, const std::string& base, std::string_view what) {
  const auto url = parse_url(base);
  if (!url) raise(L, fmt::format("{}: base: {}", what, url.error().message));
  if (url->target.find('?') != std::string::npos) raise(L, fmt::format("{}: base: it has a query", what));
}

/// --target, with or without TLS as its flags say.
std::string base_of(const Settings& settings) {
  if (settings.target.starts_with("unix:")) return settings.tls ? "https://localhost" : "http://localhost";
  if (settings.target.empty() || settings.target.find("//") != std::string::npos) return "";
  return fmt::format("{}://{}", settings.tls ? "https" : "http", settings.target);
}

/// A name given for the target is not that of other hosts.
TlsOptions tls_of(const Settings& settings, const std::string& base) {
  TlsOptions tls = settings.tls.value_or(TlsOptions{.key_log = settings.key_log});
  if (!settings.target.empty() && base != base_of(settings)) tls.server_name.clear();
  return tls;
}

void read_wire(lua_State* L, int o, const std::string& what, HttpClientOptions& wire) {
  wire.keepalive = boolean_field(L, o, "keepalive", what).value_or(true);
  if (const auto limit = integer_field(L, o, "max_connections", what, 1, INT32_MAX)) {
    wire.max_connections = static_cast<std::size_t>(*limit);
  }
  wire.timeout = duration_field(L, o, "timeout", what).value_or(wire.timeout);
  wire.connect_timeout = duration_field(L, o, "connect_timeout", what).value_or(wire.connect_timeout);
  wire.follow = static_cast<std::size_t>(integer_field(L, o, "follow", what, 0, 1000).value_or(0));
  wire.gzip = boolean_field(L, o, "gzip", what).value_or(true);
  wire.max_body = size_field(L, o, "max_body", what).value_or(wire.max_body);
  wire.max_head = static_cast<std::size_t>(size_field(L, o, "max_head", what).value_or(wire.max_head));
  if (auto instead = string_field(L, o, "connect_to", what)) wire.connect_to = *instead;
  wire.user_agent = string_field(L, o, "user_agent", what).value_or("");
  if (const auto version = string_field(L, o, "version", what)) {
    if (*version != "1.1" && *version != "2") {
      raise(L, fmt::format("{}: version: '{}' is none of: 1.1, 2", what, *version));
    }
    wire.version = *version == "2" ? HttpVersion::two : HttpVersion::one;
  }
}

}  // namespace

std::span<const KeySet> http_option_tables() {
  static const std::array tables = {kClientOptions, kRequestOptions};
  return tables;
}

void read_http_options(lua_State* L, int index, std::string_view what_view, HttpDecl& decl) {
  const std::string what(what_view);
  const Settings& settings = host_of(L).settings;
  decl.wire.max_idle = SIZE_MAX;
  decl.wire.version = HttpVersion::negotiate;
  decl.wire.net = settings.net;
  if (settings.target.starts_with("unix:")) decl.wire.connect_to = settings.target;
  decl.base = base_of(settings);
  const bool given = !lua_isnoneornil(L, index);
  if (given) {
    check_options(L, index, what, kClientOptions);
    if (auto base = string_field(L, index, "base", what)) decl.base = *base;
  }
  if (!decl.base.empty()) check_base(L, decl.base, what);
  decl.wire.tls = tls_of(settings, decl.base);
  if (!given) return;
  const auto named = [&](const char* key) { return fmt::format("{}: {}", what, key); };
  read_wire(L, index, what, decl.wire);
  with_field(L, index, "headers", [&](int at) { read_headers(L, at, what, decl.headers); });
  with_field(L, index, "tls", [&](int at) { decl.wire.tls = read_tls_options(L, at, named("tls")); });
  with_field(L, index, "tags", [&](int at) { read_tags(L, at, named("tags"), decl.tags); });
  with_field(L, index, "backend", [&](int at) { decl.backend = read_backend_rule(L, at, named("backend")); });
  if (decl.backend.source == BackendRule::Source::trailer) {
    raise(L, fmt::format("{}: backend: HTTP answers are not known by trailers; use header, field or peer", what));
  }
}

HttpSettings read_request_options(lua_State* L, int index, std::string_view what) {
  HttpSettings settings;
  if (lua_isnoneornil(L, index)) return settings;
  check_options(L, index, what, kRequestOptions);
  settings.timeout = duration_field(L, index, "timeout", what);
  const std::pair<const char*, int*> kept[] = {
      {"headers", &settings.headers}, {"json", &settings.json}, {"tags", &settings.tags}, {"name", &settings.name}};
  for (const auto& [key, place] : kept) {
    if (get_field(L, index, key)) *place = lua_gettop(L);
  }
  return settings;
}

void read_headers(lua_State* L, int index, std::string_view what, HttpHeaders& out) {
  check_table(L, index, fmt::format("{}: headers", what));
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      raise(L, fmt::format("{}: names of headers are strings, got {}", what, describe(L, -2)));
    }
    const std::string name(to_view(L, -2));
    std::erase_if(out, [&](const auto& header) { return same_header_name(header.first, name); });
    if (lua_type(L, -1) == LUA_TTABLE) {
      const auto size = static_cast<int>(lua_objlen(L, -1));
      for (int i = 1; i <= size; ++i) {
        lua_rawgeti(L, -1, i);
        add_header(L, what, name, out);
        lua_pop(L, 1);
      }
    } else {
      add_header(L, what, name, out);
    }
    lua_pop(L, 1);
  }
}

}  // namespace lgen::lua
