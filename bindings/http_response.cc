#include "http_response.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "grpc_metadata.h"
#include "mod_json.h"
#include "tailed_object.h"

namespace lgen::lua {
namespace {

/// From `before` to `after`; 0 where one of the two did not happen.
Duration step(TimePoint before, TimePoint after) {
  return before == TimePoint{} || after == TimePoint{} ? Duration{0} : after - before;
}

struct Texts {
  std::string_view client, backend, peer, url, reason, headers, hops, body;
};

Texts texts_of(const HttpResponse& res) {
  const char* at = tail_of(res);
  const auto next = [&at](std::uint64_t size) {
    const std::string_view text(at, size);
    at += size;
    return text;
  };
  Texts texts;
  texts.client = next(res.client);
  texts.backend = next(res.backend);
  texts.peer = next(res.peer);
  texts.url = next(res.url);
  texts.reason = next(res.reason);
  texts.headers = next(res.headers);
  texts.hops = next(res.hops);
  texts.body = next(res.body);
  return texts;
}

HttpHeadersView view_of(std::span<const HttpHop> hops, std::vector<std::string>& statuses) {
  HttpHeadersView view;
  statuses.reserve(hops.size());
  for (const HttpHop& hop : hops) view.emplace_back(statuses.emplace_back(std::to_string(hop.status)), hop.url);
  return view;
}

void push_timing(lua_State* L, const HttpResponse& res) {
  const std::pair<const char*, Duration> steps[] = {{"dns", res.dns},     {"connect", res.connect},
                                                    {"tls", res.tls},     {"queue", res.queue},
                                                    {"total", res.total}, {"first_byte", res.first_byte}};
  lua_createtable(L, 0, 6);
  for (const auto& [name, duration] : steps) {
    lua_pushnumber(L, to_seconds(duration));
    lua_setfield(L, -2, name);
  }
}

/// {{status = 302, url = "http://..."}, ...}
void push_hops(lua_State* L, std::string_view packed) {
  lua_newtable(L);
  int count = 0;
  while (!packed.empty()) {
    const auto [status, url] = take_packed(packed);
    lua_createtable(L, 0, 2);
    lua_pushinteger(L, std::atoi(std::string(status).c_str()));
    lua_setfield(L, -2, "status");
    push(L, url);
    lua_setfield(L, -2, "url");
    lua_rawseti(L, -2, ++count);
  }
}

}  // namespace

void push_response(lua_State* L, std::string_view client, std::uint64_t number, std::string_view backend,
                   const HttpResult& result) {
  const auto size_of = [](std::string_view text) { return static_cast<std::uint32_t>(text.size()); };
  std::vector<std::string> statuses;
  const HttpHeadersView hops = view_of(result.hops, statuses);
  const ConnectTiming& c = result.connect;
  const Timing& t = result.timing;
  const bool made = !result.reused;
  const HttpResponse res{
      .status = result.status,
      .reused = result.reused,
      .retried = result.retried,
      .two = result.version == "2",
      .dns = made ? step(c.started, c.resolved) : Duration{0},
      .connect = made ? step(c.resolved == TimePoint{} ? c.started : c.resolved, c.connected) : Duration{0},
      .tls = made ? step(c.connected, c.secured) : Duration{0},
      .queue = result.queued,
      .first_byte = step(t.sent, t.first_byte),
      .total = t.done - t.started,
      .connection = number,
      .client = size_of(client),
      .backend = size_of(backend),
      .peer = size_of(result.peer),
      .url = size_of(result.url),
      .reason = size_of(result.reason),
      .headers = static_cast<std::uint32_t>(packed_size(result.headers)),
      .hops = static_cast<std::uint32_t>(packed_size(&hops)),
      .body = result.body.size()};
  const std::size_t size =
      res.client + res.backend + res.peer + res.url + res.reason + std::size_t{res.headers} + res.hops + res.body;
  char* out = tail_of(push_tailed_object(L, res, size));
  for (const std::string_view text : {client, backend, result.peer, result.url, result.reason}) {
    if (!text.empty()) std::memcpy(out, text.data(), text.size());
    out += text.size();
  }
  out = pack_metadata(&hops, pack_metadata(result.headers, out));
  if (!result.body.empty()) std::memcpy(out, result.body.data(), result.body.size());
}

int response_property(lua_State* L) {
  const auto& res = check_object<HttpResponse>(L, 1, "res");
  const std::string_view name = lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : std::string_view();
  if (name == "status") return lua_pushinteger(L, res.status), 1;
  const Texts texts = texts_of(res);
  if (name == "body") return push(L, texts.body), 1;
  if (name == "headers") return push_packed_metadata(L, texts.headers), 1;
  if (name == "timing") return push_timing(L, res), 1;
  if (name == "backend") return push(L, texts.backend), 1;
  if (name == "peer") return push(L, texts.peer), 1;
  if (name == "reused") return lua_pushboolean(L, res.reused ? 1 : 0), 1;
  if (name == "retried") return lua_pushboolean(L, res.retried ? 1 : 0), 1;
  if (name == "url") return push(L, texts.url), 1;
  if (name == "reason") return push(L, texts.reason), 1;
  if (name == "connection") {
    return push(L, res.connection == 0 ? "" : fmt::format("{}#{}", texts.client, res.connection)), 1;
  }
  if (name == "version") return lua_pushstring(L, res.peer == 0 ? "" : res.two ? "2" : "1.1"), 1;
  if (name == "hops") return push_hops(L, texts.hops), 1;
  return 0;
}

int response_json(lua_State* L) {
  const auto& res = check_object<HttpResponse>(L, 1, "res:json");
  return decode_json(L, texts_of(res).body);
}

int response_tostring(lua_State* L) {
  const auto& res = check_object<HttpResponse>(L, 1, "tostring");
  const Texts texts = texts_of(res);
  push(L, fmt::format("{} {}, {} bytes from {}", res.status, texts.reason, res.body, texts.url));
  return 1;
}

}  // namespace lgen::lua
