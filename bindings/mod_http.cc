// lgen.http, lgen.HttpClient and lgen.HttpResponse.
#include "mod_http.h"

#include <fmt/format.h>

#include "host.h"
#include "http_link.h"
#include "http_response.h"
#include "http_run.h"
#include "modules.h"

namespace lgen::lua {

HttpState::HttpState(Host& host_in) : host(host_in), recorder(host_in.metrics), connections(host_in) {}

HttpState::~HttpState() { close(); }

void HttpState::close() {
  if (std::exchange(closed, true)) return;
  for (const auto& run : runs.all()) run->drop();
  for (HttpLink* link : links) link->close();
}

namespace {

/// Clients made inside a task close with it.
class TaskClient final : public TaskResource {
 public:
  explicit TaskClient(Rc<HttpLink> link) : link_(std::move(link)) {}
  void task_ended() noexcept override {
    if (link_->wire()) link_->wire()->close_idle();
    delete this;
  }

 private:
  Rc<HttpLink> link_;
};

void keep(lua_State* L, const std::string& name, const std::string& what, const Rc<HttpLink>& link) {
  Host& host = host_of(L);
  HttpState& state = *host.http;
  if (host.phase == Phase::load) {
    state.names[name] = where(L);
  } else if (host.current) {
    host.current->own(*new TaskClient(link));
  } else {
    raise(L, fmt::format("{}: only while the plan is loading, or inside a task", what));
  }
}

void check_name_free(lua_State* L, const std::string& name, const std::string& what) {
  Host& host = host_of(L);
  if (host.phase != Phase::load) return;
  const auto taken = host.http->names.find(name);
  if (taken == host.http->names.end()) return;
  raise(L, fmt::format("{}: there is a client of that name already ({})", what,
                       std::string_view(taken->second).substr(0, taken->second.size() - 2)));
}

/// Whether its requests go to https: they do behind such a base, and may where files for it are named.
bool needs_tls(const HttpDecl& decl) {
  if (const auto base = parse_url(decl.base); base && base->tls) return true;
  const TlsOptions& tls = decl.wire.tls;
  const bool files = !(tls.ca.empty() && tls.cert.empty() && tls.key.empty() && tls.key_log.empty());
  return files && (decl.base.empty() || decl.wire.follow > 0);
}

/// So that wrong files are told while the plan loads, and no request waits for the CA store. Who asks for no https does
/// not pay for it.
void load_tls(lua_State* L, const std::string& what, const HttpLink& link) {
  if (!needs_tls(link.decl())) return;
  if (const Outcome loaded = link.wire()->load_tls(); !loaded) {
    raise(L, fmt::format("{}: {}", what, loaded.error().message));
  }
}

/// lgen.http.client(name, o)
int client(lua_State* L) {
  constexpr const char* kFunction = "lgen.http.client";
  const std::string name(check_string(L, 1, fmt::format("{}: name", kFunction)));
  const std::string what = fmt::format("{} \"{}\"", kFunction, name);
  if (name.empty()) raise(L, fmt::format("{}: the name is empty", kFunction));
  check_name_free(L, name, what);
  HttpDecl decl;
  read_http_options(L, 2, what, decl);
  auto link = Rc<HttpLink>::make(*host_of(L).http, name, std::move(decl));
  load_tls(L, what, *link);
  keep(L, name, what, link);
  push_object<HttpClientHandle>(L, HttpClientHandle{std::move(link)});
  return 1;
}

int get(lua_State* L) { return send_request(L, "GET", "c:get"); }
int head(lua_State* L) { return send_request(L, "HEAD", "c:head"); }
int post(lua_State* L) { return send_request(L, "POST", "c:post"); }
int put(lua_State* L) { return send_request(L, "PUT", "c:put"); }
int patch(lua_State* L) { return send_request(L, "PATCH", "c:patch"); }
int remove(lua_State* L) { return send_request(L, "DELETE", "c:delete"); }
int request(lua_State* L) { return send_request(L, {}, "c:request"); }

int close(lua_State* L) {
  const Rc<HttpLink>& link = check_object<HttpClientHandle>(L, 1, "c:close").link;
  if (link->wire()) link->wire()->close_idle();
  return 0;
}

int client_property(lua_State* L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const HttpLink& link = *check_object<HttpClientHandle>(L, 1, "c").link;
  if (to_view(L, 2) == "name") return push(L, link.name()), 1;
  if (to_view(L, 2) == "base") return push(L, link.decl().base), 1;
  return 0;
}

int client_tostring(lua_State* L) {
  const HttpLink& link = *check_object<HttpClientHandle>(L, 1, "tostring").link;
  push(L, fmt::format("HTTP client \"{}\" to {}", link.name(), link.decl().base.empty() ? "any" : link.decl().base));
  return 1;
}

#define LGEN_VERB_TYPE                                                               \
  "fun(self, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: " \
  "lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error?"

constexpr Binding kHttpBindings[] = {
    {"client", client, "fun(name: string, options?: lgen.HttpClientOptions): lgen.HttpClient",
     "[R] a client with connections of its own, shared by all VUs; made inside a task, it closes with it"},
};

constexpr Binding kClientBindings[] = {
    {"get", get, LGEN_VERB_TYPE, "[Y R E] the answer, whatever its status; or nil, err when there is none"},
    {"head", head, LGEN_VERB_TYPE, "[Y R E]"},
    {"post", post, LGEN_VERB_TYPE, "[Y R E]"},
    {"put", put, LGEN_VERB_TYPE, "[Y R E]"},
    {"patch", patch, LGEN_VERB_TYPE, "[Y R E]"},
    {"delete", remove, LGEN_VERB_TYPE, "[Y R E]"},
    {"request", request,
     "fun(self, method: string, path_or_url: string, body?: string|lgen.HttpRequestOptions, options?: "
     "lgen.HttpRequestOptions): lgen.HttpResponse?, lgen.Error?",
     "[Y R E] with any method"},
    {"close", close, "fun(self)", "closes the connections that no request uses; later requests make new ones"},
    {"name", nullptr, "string", "as given"},
    {"base", nullptr, "string", "in front of paths; \"\": there is none"},
};

#undef LGEN_VERB_TYPE

constexpr Binding kResponseBindings[] = {
    {"status", nullptr, "integer", "200, 404, ...; in err.call 0 when not even that came"},
    {"reason", nullptr, "string", "\"Not Found\""},
    {"headers", nullptr, "table<string,string|string[]>", "names in lower case"},
    {"body", nullptr, "string", "unpacked"},
    {"json", response_json, "fun(self): any, string?", "[E] the body's value, or nil and what is wrong with it"},
    {"url", nullptr, "string", "that gave the answer: the last one, after redirects"},
    {"hops", nullptr, "{status: integer, url: string}[]", "redirects followed before"},
    {"timing", nullptr, "{dns: number, connect: number, tls: number, queue: number, first_byte: number, total: number}",
     "seconds of each step, 0 where a connection was there; first_byte from sending, total from the start"},
    {"backend", nullptr, "string", "who answered, by the client's rule; \"unknown\" when it cannot be learnt"},
    {"peer", nullptr, "string", "address of the connection"},
    {"connection", nullptr, "string", "\"web#3\": the third connection of client web"},
    {"version", nullptr, "string", "of HTTP: \"1.1\" or \"2\""},
    {"reused", nullptr, "boolean", "an earlier request had made the connection"},
    {"retried", nullptr, "boolean", "sent once more, because a kept connection had been closed"},
};

}  // namespace

const Module kHttpModule = {"lgen.http", "HTTP clients.", kHttpBindings, http_option_tables()};
const Module kHttpClientClass = {"lgen.HttpClient",        "Requests to one service, on connections that are kept.",
                                 kClientBindings,          {},
                                 &HttpClientHandle::kType, collect_object<HttpClientHandle>,
                                 client_property,          nullptr,
                                 client_tostring};
const Module kHttpResponseClass = {"lgen.HttpResponse",  "An answer.", kResponseBindings, {},
                                   &HttpResponse::kType, nullptr,      response_property, nullptr,
                                   response_tostring};

}  // namespace lgen::lua
