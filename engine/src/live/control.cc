#include "lgen/control.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "lgen/text.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

HttpAnswer answer_of(const Result<std::string>& done) {
  if (done) return {.body = text_of({{"done", *done}}), .content_type = "application/json"};
  const int status = done.error().code == ErrorCode::not_found ? 404 : 409;
  return {.status = status, .body = text_of({{"error", done.error().message}}), .content_type = "application/json"};
}

Json json_of(const ScenarioProgress& s) {
  return {{"name", s.name},
          {"load", s.load},
          {"vus", s.vus},
          {"max_vus", s.max_vus},
          {"running", s.running},
          {"started", s.started},
          {"succeeded", s.succeeded},
          {"failed", s.failed},
          {"cancelled", s.cancelled},
          {"dropped", s.dropped},
          {"waiting", waiting_arrivals(s)},
          {"elapsed", to_seconds(s.elapsed)},
          {"length", to_seconds(s.length)},
          {"paused", s.paused},
          {"stopping", s.stopping},
          {"finished", s.finished}};
}

Result<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return usage(fmt::format("VUs: a whole number is expected, got '{}'", printable(text)));
}

}  // namespace

ControlServer::ControlServer(Loop& loop, Runner& runner, const RunInfo& run, Obeyed obeyed)
    : loop_(loop), runner_(runner), run_(run), obeyed_(std::move(obeyed)), server_(loop) {
  server_.on("GET", "/status", [this](const HttpQuestion&, HttpReply& reply) {
    reply.send({.body = status(), .content_type = "application/json"});
  });
  take_orders("/pause", &ControlServer::pause);
  take_orders("/resume", &ControlServer::resume);
  take_orders("/scale", &ControlServer::scale);
  take_orders("/stop", &ControlServer::stop);
}

Outcome ControlServer::listen(const std::string& path) { return server_.listen("unix:" + path); }

void ControlServer::take_orders(std::string_view path, Order order) {
  server_.on("POST", path, [this, order](const HttpQuestion& question, HttpReply& reply) {
    reply.send(answer_of((this->*order)(question)));
  });
}

Result<std::string> ControlServer::pause(const HttpQuestion&) {
  if (!runner_.pause())
    return usage(runner_.paused() ? "it is paused already" : "it is ending; there is nothing to pause");
  obeyed_("ctl_pause", {});
  return std::string("paused: no iteration starts, what runs goes on");
}

Result<std::string> ControlServer::resume(const HttpQuestion&) {
  if (!runner_.resume()) return usage("it is not paused");
  obeyed_("ctl_resume", {});
  return std::string("resumed");
}

Result<std::string> ControlServer::scale(const HttpQuestion& question) {
  const auto scenario = query_value(question.query, "scenario");
  const auto text = query_value(question.query, "vus");
  if (!scenario || !text) return usage("scale: which scenario, to how many VUs?");
  const auto vus = whole_number(*text);
  if (!vus) return vus.error();
  if (const Outcome scaled = runner_.scale_scenario(*scenario, *vus); !scaled) return scaled.error();
  obeyed_("ctl_scale", {{"scenario", *scenario}, {"vus", static_cast<double>(*vus)}});
  return fmt::format("scenario '{}' has {} from now on", *scenario, counted(*vus, "VU"));
}

/// The whole run ends as by a signal, one scenario as if its time were up.
Result<std::string> ControlServer::stop(const HttpQuestion& question) {
  const auto scenario = query_value(question.query, "scenario");
  if (!scenario) {
    obeyed_("ctl_stop", {});
    runner_.stop("lgen ctl stop");
    return std::string("stopping the run");
  }
  if (const Outcome stopped = runner_.stop_scenario(*scenario); !stopped) return stopped.error();
  obeyed_("ctl_stop", {{"scenario", *scenario}});
  return fmt::format("stopping scenario '{}'", *scenario);
}

std::string ControlServer::status() const {
  Json scenarios = Json::array();
  for (const ScenarioProgress& scenario : runner_.progress()) scenarios.push_back(json_of(scenario));
  return text_of({{"plan", run_.plan},
                  {"name", run_.plan_name},
                  {"target", run_.target},
                  {"started_unix", run_.started_unix},
                  {"elapsed", to_seconds(loop_.now() - runner_.started_at())},
                  {"paused", runner_.paused()},
                  {"scenarios", std::move(scenarios)}});
}

}  // namespace lgen
