#include "http_link.h"

#include <fmt/format.h>

#include <algorithm>

#include "host.h"
#include "mod_http.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

const std::string kNoScenario;

void merge_into(Labels& tags, const Labels& over) {
  for (const auto& tag : over) {
    std::erase_if(tags, [&](const auto& other) { return other.first == tag.first; });
    tags.push_back(tag);
  }
  std::sort(tags.begin(), tags.end());
}

bool is_url(std::string_view text) { return text.find("://") != std::string_view::npos; }

}  // namespace

HttpLink::HttpLink(HttpState& state, std::string name, HttpDecl decl)
    : state_(state),
      name_(std::move(name)),
      decl_(std::move(decl)),
      earlier_(state.connections.client(name_)),
      first_id_(++state.links_made << 32) {
  Host& host = state.host;
  const Labels labels = make_labels({{"channel", name_}});
  connections_ = host.metrics.series("http_connections", labels);
  open_ = host.metrics.series("http_connections_open", labels);
  wire_ = std::make_unique<HttpClient>(host.loop, decl_.wire);
  wire_->on_connection([this](const HttpConnectionEvent& event) { on_connection(event); });
  state.links.push_back(this);
}

HttpLink::~HttpLink() { std::erase(state_.links, this); }

void HttpLink::on_connection(const HttpConnectionEvent& event) {
  using Kind = HttpConnectionEvent::Kind;
  Metrics& metrics = state_.host.metrics;
  if (event.kind == Kind::opened) metrics.add(connections_);
  if (event.kind == Kind::closed) metrics.add(closed_series(event.closed));
  if (event.kind != Kind::failed) metrics.shift(open_, event.kind == Kind::opened ? 1 : -1);
  state_.connections.note(name_, decl_.wire.keepalive, number_of(event.connection), id_of(event.connection), event);
}

SeriesId HttpLink::closed_series(HttpClosed why) {
  const auto [at, fresh] = closed_.try_emplace(why);
  if (fresh) {
    const Labels labels = make_labels({{"channel", name_}, {"reason", to_string(why)}});
    at->second = state_.host.metrics.series("http_connections_closed", labels);
  }
  return at->second;
}

std::string HttpLink::url_of(lua_State* L, std::string_view where, std::string_view function) const {
  if (is_url(where)) return std::string(where);
  if (!where.starts_with('/') && !where.starts_with('?')) {
    raise(L, fmt::format("{}: '{}' is neither a path, which begins with /, nor a URL", function, where));
  }
  if (decl_.base.empty()) {
    raise(L, fmt::format("{}: '{}' is a path, and the client has no base; give base, --target or a whole URL", function,
                         where));
  }
  std::string_view base = decl_.base;
  if (base.ends_with('/') && where.starts_with('/')) base.remove_suffix(1);
  return fmt::format("{}{}", base, where);
}

/// Paths may have numbers of things in them: beyond the first hundred they share a name.
std::string HttpLink::method_name(std::string_view verb, const std::string& url) {
  const std::string_view whole(url);
  std::string_view shown = whole.substr(0, whole.find_first_of("?#"));
  std::string path;
  if (!decl_.base.empty()) {
    const auto base = parse_url(decl_.base), here = parse_url(url);
    if (base && here && base->tls == here->tls && base->authority() == here->authority()) {
      path = here->target.substr(0, here->target.find('?'));
      shown = path;
    }
  }
  std::string method = fmt::format("{} {}", verb, shown);
  if (methods_.contains(method) || methods_.size() < kNamed) return *methods_.insert(std::move(method)).first;
  return fmt::format("{} (other)", verb);
}

std::shared_ptr<const HttpPrepared> HttpLink::prepare(lua_State* L, std::string_view verb, std::string_view where,
                                                      HttpHeaders own, std::string_view function) {
  HttpRequest request{.method = std::string(verb), .url = url_of(L, where, function), .headers = decl_.headers};
  for (const auto& header : own) {
    std::erase_if(request.headers, [&](const auto& one) { return same_header_name(one.first, header.first); });
  }
  for (auto& header : own) request.headers.push_back(std::move(header));
  auto ready = wire_->prepare(request);
  if (!ready) raise(L, fmt::format("{}: {}", function, ready.error().message));
  return std::move(*ready);
}

const Rc<HttpRoute>& HttpLink::route(lua_State* L, std::string_view verb, std::string_view where,
                                     std::string_view function) {
  if (last_ && where == last_where_ && verb == last_verb_) return last_;
  last_ = find_route(L, verb, where, function);
  last_verb_ = verb;
  last_where_ = where;
  return last_;
}

Rc<HttpRoute> HttpLink::find_route(lua_State* L, std::string_view verb, std::string_view where,
                                   std::string_view function) {
  auto routes = routes_.find(verb);
  if (routes == routes_.end()) routes = routes_.try_emplace(std::string(verb)).first;
  const auto found = routes->second.find(where);
  if (found != routes->second.end()) return found->second;
  Rc<HttpRoute> route = Rc<HttpRoute>::make();
  route->plain = prepare(L, verb, where, {}, function);
  route->method = method_name(verb, url_of(L, where, function));
  if (kept_ < kKept) {
    ++kept_;
    routes->second.emplace(where, route);
  }
  return route;
}

HttpSite& HttpLink::site(HttpRoute& route, const Task* task, std::string_view name, std::string_view verb,
                         const Labels* extra) {
  Host& host = state_.host;
  const LuaVu* vu = task ? task->vu() : nullptr;
  const TagSet& tags = task ? task->tags() : host.no_tags;
  const std::string_view scenario = vu ? std::string_view(vu->scenario()) : kNoScenario;
  const std::string_view phase = vu ? vu->phase() : std::string_view();
  const auto make = [&]() -> HttpSite& {
    CallSiteKey key;
    key.scenario = scenario;
    key.phase = phase;
    key.method = name.empty() ? route.method : std::string(verb);
    key.name = name;
    key.channel = name_;
    key.tags = decl_.tags;
    merge_into(key.tags, *tags);
    if (extra) merge_into(key.tags, *extra);
    return state_.recorder.site(key);
  };
  return extra || !name.empty() ? make() : route.site(scenario, phase, tags, make);
}

}  // namespace lgen::lua
