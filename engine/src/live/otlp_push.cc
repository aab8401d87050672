#include "lgen/otlp.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <random>

#include "lgen/export.h"
#include "lgen/log.h"
#include "lgen/text.h"

namespace lgen {
namespace {

constexpr std::size_t kMostWords = 200;  // of an answer, in a message

HttpClientOptions client_options() {
  HttpClientOptions options;
  options.max_body = 1 << 20;
  return options;
}

/// Tells runs apart whose receivers see several.
std::string new_run_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

/// A receiver may take some of the points and say which it did not.
std::string rejected(std::string_view body) {
  const auto answer = nlohmann::json::parse(body, nullptr, false);
  if (!answer.is_object() || !answer.contains("partialSuccess")) return {};
  const auto& partial = answer["partialSuccess"];
  if (!partial.is_object() || !partial.contains("rejectedDataPoints")) return {};
  const auto& count = partial["rejectedDataPoints"];
  const std::string points = count.is_string() ? count.get<std::string>() : count.dump();
  if (points == "0") return {};
  const auto& why = partial.contains("errorMessage") ? partial["errorMessage"] : nlohmann::json();
  return fmt::format("it rejected {} points{}", points,
                     why.is_string() ? ": " + printable(why.get<std::string>()).substr(0, kMostWords) : "");
}

std::string problem(const HttpResult& result) {
  if (result.error) return result.error->message;
  if (result.ok()) return rejected(result.body);
  const std::string body = printable(result.body.substr(0, kMostWords));
  return fmt::format("it answered {} {}{}", result.status, printable(result.reason), body.empty() ? "" : ": " + body);
}

}  // namespace

Result<std::string> OtlpPush::endpoint(std::string_view text) {
  const Result<Url> url = parse_url(text);
  if (!url) return url.error();
  if (url->target != "/") return std::string(text);
  const std::string_view bare = text.ends_with('/') ? text.substr(0, text.size() - 1) : text;
  return fmt::format("{}/v1/metrics", bare);
}

OtlpPush::OtlpPush(Loop& loop, OtlpOptions options)
    : options_(std::move(options)), run_id_(new_run_id()), client_(loop, client_options()) {}

void OtlpPush::begin(const RunInfo& run, std::vector<std::pair<std::string, std::string>> tags) {
  run_ = run;
  options_.tags = std::move(tags);
}

std::string OtlpPush::body_of(const Snapshot& snapshot, Duration elapsed) const {
  return render_otlp(snapshot, run_, {run_.started_unix + to_seconds(elapsed), run_id_, options_.tags});
}

void OtlpPush::push(const Snapshot& snapshot, Duration elapsed) {
  if (!under_way()) send(body_of(snapshot, elapsed));
}

void OtlpPush::push_last(const Snapshot& snapshot, Duration elapsed) {
  std::string body = body_of(snapshot, elapsed);
  if (under_way()) {
    last_ = std::move(body);
  } else {
    send(std::move(body));
  }
}

void OtlpPush::send(std::string body) {
  ++pushes_;
  op_ = client_.send({.method = "POST",
                      .url = options_.url,
                      .headers = {{"Content-Type", "application/json"}},
                      .body = std::move(body),
                      .timeout = options_.timeout},
                     [this](const HttpResult& result) { sent(result); });
}

void OtlpPush::sent(const HttpResult& result) {
  std::string why = problem(result);
  last_failed_ = !why.empty();
  if (last_failed_) failed(std::move(why));
  op_.reset();
  if (!last_) return;
  std::string body = std::move(*last_);
  last_.reset();
  send(std::move(body));
}

void OtlpPush::failed(std::string why) {
  if (failures_++ > 0) return;
  first_failure_ = std::move(why);
  log(LogLevel::warn,
      fmt::format("OpenTelemetry: {}: {}; the run goes on", parse_url(options_.url)->text(), first_failure_));
}

Outcome OtlpPush::result() const {
  if (failures_ == 0) return Done{};
  const std::string what = fmt::format("OpenTelemetry: {} of {} pushes to {} failed; the first: {}", failures_, pushes_,
                                       parse_url(options_.url)->text(), first_failure_);
  if (last_failed_) return make_error(ErrorCode::io, what);
  log(LogLevel::warn, what + "; the last one was taken, and has all figures");
  return Done{};
}

}  // namespace lgen
