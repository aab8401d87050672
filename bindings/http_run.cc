#include "http_run.h"

#include <fmt/format.h>

#include <array>

#include "grpc_call.h"
#include "grpc_trace.h"
#include "host.h"
#include "http_response.h"
#include "lgen/units.h"
#include "mod_grpc.h"
#include "mod_http.h"
#include "mod_json.h"

namespace lgen::lua {
namespace {

constexpr std::string_view kUnknownBackend = "unknown";

/// "200" without a formatter.
std::string_view status_text(int status) {
  static const auto texts = [] {
    std::array<std::array<char, 3>, 1000> all{};
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i] = {static_cast<char>('0' + i / 100), static_cast<char>('0' + i / 10 % 10),
                static_cast<char>('0' + i % 10)};
    }
    return all;
  }();
  const auto& text = texts[static_cast<std::size_t>(status) % texts.size()];
  return {text.data(), text.size()};
}

/// How requests without an answer end: their label `code`, and err's code, number and kind.
struct Failing {
  std::string_view label, code;
  int number;
  std::string_view kind;
};

Failing failing(const Error& error, bool connected) {
  switch (error.code) {
    case ErrorCode::timeout:
      return {"timeout", "DEADLINE_EXCEEDED", 4, "timeout"};
    case ErrorCode::cancelled:
      return {"cancelled", "CANCELLED", 1, "cancelled"};
    case ErrorCode::refused:
      return {"refused", "UNAVAILABLE", 14, "connect"};
    case ErrorCode::not_found:
      return {"dns", "UNAVAILABLE", 14, "connect"};
    case ErrorCode::tls:
      return {"tls", "UNAVAILABLE", 14, "connect"};
    case ErrorCode::exhausted:
      return {"exhausted", "RESOURCE_EXHAUSTED", 8, "connect"};
    case ErrorCode::protocol:
      return {"protocol", "INTERNAL", 13, "closed"};
    case ErrorCode::invalid_argument:
      return {"invalid", "INVALID_ARGUMENT", 3, "connect"};
    default:
      return {"closed", "UNAVAILABLE", 14, connected ? "closed" : "connect"};
  }
}

/// Where a function's arguments are on the stack.
struct Arguments {
  std::string_view verb, where, body;
  int options = 0;  // 0: none
};

Arguments read_arguments(lua_State* L, std::string_view verb, std::string_view function) {
  int at = 2;
  Arguments arguments;
  arguments.verb = verb.empty() ? check_string(L, at++, function) : verb;
  arguments.where = check_string(L, at, function);
  int body = at + 1;
  const bool options_alone = lua_type(L, body) == LUA_TTABLE && lua_isnoneornil(L, body + 1);
  arguments.options = options_alone ? body : body + 1;
  if (!options_alone && !lua_isnoneornil(L, body)) {
    if (lua_type(L, body) != LUA_TSTRING) {
      raise(L, fmt::format("{}: a body is a string, got {}; for a table write {{ json = ... }}", function,
                           describe(L, body)));
    }
    arguments.body = to_view(L, body);
  }
  return arguments;
}

/// The route's own, or one with headers that only this request has; valid until the next request.
const std::shared_ptr<const HttpPrepared>& choose_request(lua_State* L, HttpLink& link, HttpRoute& route,
                                                          const Arguments& arguments, const HttpSettings& settings,
                                                          std::string_view function) {
  if (settings.headers == 0 && settings.json == 0) return route.plain;
  if (settings.headers == 0 && route.json) return route.json;
  HttpHeaders own;
  if (settings.json != 0) own.emplace_back("Content-Type", "application/json");
  if (settings.headers != 0) read_headers(L, settings.headers, function, own);
  auto& request = settings.headers == 0 ? route.json : host_of(L).http->request;
  return request = link.prepare(L, arguments.verb, arguments.where, std::move(own), function);
}

}  // namespace

int send_request(lua_State* L, std::string_view verb, std::string_view function) {
  const Rc<HttpLink>& link = check_object<HttpClientHandle>(L, 1, function).link;
  Arguments arguments = read_arguments(L, verb, function);
  const HttpSettings settings = read_request_options(L, arguments.options, function);
  Host& host = host_of(L);
  HttpState& state = *host.http;
  Task& task = Task::check_can_wait(L, function);
  if (!link->wire()) raise(L, fmt::format("{}: the plan is over", function));
  std::string_view name;
  if (settings.name != 0) name = check_string(L, settings.name, fmt::format("{}: name", function));
  if (settings.json != 0) {
    if (!arguments.body.empty()) raise(L, fmt::format("{}: a body and json are given; leave one out", function));
    auto text = json_text(L, settings.json);
    if (!text) raise(L, fmt::format("{}: json: {}", function, text.error().message));
    state.json = std::move(*text);
    arguments.body = state.json;
  }
  state.labels.clear();
  if (settings.tags != 0) read_tags(L, settings.tags, fmt::format("{}: tags", function), state.labels);
  HttpRoute& route = *link->route(L, arguments.verb, arguments.where, function);
  const auto& request = choose_request(L, *link, route, arguments, settings, function);
  HttpSend now{.body = arguments.body, .timeout = settings.timeout, .intended = {}};
  if (const auto late = task.take_lateness()) now.intended = host.loop.precise_now() - *late;
  HttpSite& site = link->site(route, host.current, name, arguments.verb, settings.tags == 0 ? nullptr : &state.labels);
  return state.runs.take(state).start(L, task, link, request, arguments.verb, site, now);
}

int HttpRun::start(lua_State* L, Task& task, const Rc<HttpLink>& link,
                   const std::shared_ptr<const HttpPrepared>& request, std::string_view method, HttpSite& site,
                   const HttpSend& now) {
  task_ = &task;
  link_ = link;
  site_ = &site;
  trace_ = 0;
  if (state_.host.grpc->trace.wants_more()) begin_trace(method, *request, now.body);
  site.request_started();
  if (state_.host.input.purpose == PlanPurpose::check) {
    state_.host.loop.post([this] { answer_check(); });
  } else {
    op_ = link->wire()->send(request, now, [this](const HttpResult& result) { ended(result); });
  }
  return task.await(L, *this);
}

/// `lgen check` has no network: everything is found and empty.
void HttpRun::answer_check() {
  static const HttpHeadersView headers = {{"content-type", "application/json"}, {"x-backend", "null"}};
  HttpResult result;
  result.status = 200;
  result.reason = "OK";
  result.body = "{}";
  result.headers = &headers;
  result.peer = "null";
  result.connection = 1;
  result.timing.started = result.timing.done = state_.host.loop.precise_now();
  if (task_->cancel_requested()) result.error = make_error(ErrorCode::cancelled, "cancelled");
  ended(result);
}

void HttpRun::begin_trace(std::string_view method, const HttpPrepared& request, std::string_view body) {
  Trace& trace = state_.host.grpc->trace;
  trace_ = trace.begin(fmt::format("{} {}", method, request_url(request)), link_->name());
  trace.tell(trace_, fmt::format("> head {}", quote_for_lua(request_head(request))));
  if (!body.empty()) trace.tell(trace_, fmt::format("> body of {} bytes {}", body.size(), quote_for_lua(body)));
}

void HttpRun::end_trace(const HttpResult& result) {
  Trace& trace = state_.host.grpc->trace;
  for (const HttpHop& hop : result.hops) trace.tell(trace_, fmt::format("< {} from {}", hop.status, hop.url));
  if (result.status != 0) {
    trace.tell(trace_, fmt::format("< {} {}, headers {} from {}", result.status, result.reason,
                                   headers_for_lua(*result.headers), result.peer));
    trace.tell(trace_, fmt::format("< body of {} bytes {}", result.body.size(), quote_for_lua(result.body)));
  }
  trace.tell(trace_, fmt::format("< {} after {}", result.error ? result.error->message : "done",
                                 format_duration(result.timing.done - result.timing.started)));
}

void HttpRun::ended(const HttpResult& result) {
  Task& task = *task_;
  const BackendRule& rule = link_->decl().backend;
  backend_ = backend_by_metadata(rule, result.headers, nullptr, result.peer, result.status != 0);
  if (trace_) end_trace(result);
  int results = 0;
  if (task.cancel_requested()) {
    record(result);
  } else {
    results = push_results(task.co(), result);
  }
  link_.reset();
  op_.reset();
  state_.runs.give(*this);
  task.wake([results](lua_State*) { return results; });
}

int HttpRun::push_results(lua_State* L, const HttpResult& result) {
  const BackendRule& rule = link_->decl().backend;
  if (rule.source == BackendRule::Source::field && result.status != 0) {
    if (decode_json(L, result.body) == 1 && lua_type(L, -1) == LUA_TTABLE) field_backend_ = backend_by_field(L, rule);
    lua_settop(L, 0);
    backend_ = field_backend_;
  }
  record(result);
  if (!result.error) {
    push_response(L, link_->name(), link_->number_of(result.connection), backend_, result);
    return 1;
  }
  const Failing how = failing(*result.error, !result.peer.empty());
  lua_pushnil(L);
  push_error(L, how.code, how.number, result.error->message, how.kind);
  lua_pushliteral(L, "call");
  push_response(L, link_->name(), link_->number_of(result.connection), backend_, result);
  lua_rawset(L, -3);
  return 2;
}

/// Also settles who answered: "unknown" when it cannot be learnt, nobody when it never left.
void HttpRun::record(const HttpResult& result) {
  if (backend_.empty() && !result.peer.empty()) backend_ = kUnknownBackend;
  HttpSample sample;
  sample.timing = result.timing;
  sample.backend = backend_;
  sample.queued = result.queued;
  sample.sent = result.sent;
  sample.received = result.received;
  sample.reused = result.reused;
  sample.retried = result.retried;
  if (!result.reused) {
    const ConnectTiming& c = result.connect;
    sample.connect = c.connected - c.started;
    if (c.secured != TimePoint{}) sample.tls = c.secured - c.connected;
    if (link_->decl().wire.keepalive) sample.connection = link_->id_of(result.connection);
    sample.resumed = c.resumed;
  }
  sample.code = status_text(result.status);
  for (const HttpHop& hop : result.hops) state_.statuses.push_back(hop.status);
  sample.redirects = state_.statuses;
  if (result.error) {
    const Failing how = failing(*result.error, !result.peer.empty());
    sample.code = how.label;
    sample.end = result.error->code == ErrorCode::cancelled ? HttpSample::End::cancelled : HttpSample::End::failed;
    const Timing& t = result.timing;
    if (sample.end == HttpSample::End::failed) {
      state_.host.add_error({.kind = "call",
                             .scenario = site_->key().scenario,
                             .phase = site_->key().phase,
                             .where = site_->key().method,
                             .channel = link_->name(),
                             .backend = backend_,
                             .code = how.label,
                             .message = result.error->message,
                             .duration = to_seconds(t.done - (t.intended == TimePoint{} ? t.started : t.intended))});
    }
  }
  const FirstOn first = site_->request_ended(sample);
  if (first != FirstOn::nothing) tell_first(first, sample, result);
  state_.statuses.clear();
}

void HttpRun::tell_first(FirstOn first, const HttpSample& sample, const HttpResult& result) {
  const ConnectTiming& c = result.connect;
  const bool tls = c.secured != TimePoint{};
  FirstCallFacts facts{.tls = tls};
  if (result.connection != 0)
    facts.connection = fmt::format("{}#{}", link_->name(), link_->number_of(result.connection));
  if (!result.reused) facts.connected = tls ? c.secured : c.connected;
  site_->first_request(first, sample, std::move(facts));
}

}  // namespace lgen::lua
