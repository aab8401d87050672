#include "lgen/prom_query.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "lgen/text.h"
#include "scrape_page.h"

namespace lgen {
namespace {

using Json = nlohmann::json;

Error broken(std::string_view what) {
  return make_error(ErrorCode::protocol, fmt::format("no answer of Prometheus' HTTP API: {}", what));
}

/// Values are strings: "1.5", "NaN", "+Inf".
double number(const Json& json) {
  std::string_view text = json.get_ref<const std::string&>();
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::pair<double, double> point(const Json& json) { return {json.at(0).get<double>(), number(json.at(1))}; }

/// For the body of a form.
std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

PromSeries series(const Json& json) {
  PromSeries out;
  for (const auto& [name, value] : json.at("metric").items()) out.labels.emplace_back(name, value.get<std::string>());
  if (json.contains("value")) {
    out.points.push_back(point(json["value"]));
  } else {
    for (const Json& one : json.at("values")) out.points.push_back(point(one));
  }
  return out;
}

PromAnswer answer(const Json& data) {
  PromAnswer out;
  const std::string type = data.at("resultType");
  const Json& result = data.at("result");
  if (type == "scalar") {
    out.kind = PromAnswer::Kind::scalar;
    out.scalar = number(result.at(1));
  } else if (type == "string") {
    out.kind = PromAnswer::Kind::string;
    out.text = result.at(1);
  } else {
    out.kind = type == "matrix" ? PromAnswer::Kind::matrix : PromAnswer::Kind::vector;
    for (const Json& one : result) out.series.push_back(series(one));
  }
  return out;
}

/// An error of the server's has a JSON body of its own whatever the status.
Result<PromAnswer> read_answer(const HttpResult& result, const std::string& url) {
  if (result.error) return *result.error;
  const bool json = result.body.starts_with('{');
  auto read = json || result.status == 200 ? parse_prom_answer(result.body) : Result<PromAnswer>(PromAnswer{});
  if (!json && result.status != 200) {
    if (auto body = body_of(result, url); !body) return body.error();
  }
  if (read) return read;
  return make_error(read.error().code, fmt::format("{}: {}", shown(url), read.error().message));
}

}  // namespace

Result<PromAnswer> parse_prom_answer(std::string_view text) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.contains("status")) return broken("not a JSON object with a status");
  try {
    if (json["status"] == "success") return answer(json.at("data"));
    const std::string type = json.value("errorType", ""), what = json.value("error", "");
    return make_error(type == "bad_data" ? ErrorCode::invalid_argument : ErrorCode::unavailable, printable(what));
  } catch (const Json::exception&) {
    return broken("its data is of another shape");
  }
}

Op prom_query(HttpClient& client, const std::string& base, std::string_view promql,
              std::function<void(Result<PromAnswer>)> done) {
  const std::string root = base.ends_with('/') ? base.substr(0, base.size() - 1) : base;
  const std::string url = fmt::format("{}/api/v1/query", root);
  HttpRequest request{.method = "POST", .url = url, .body = "query=" + percent_encode(promql)};
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  return client.send(request,
                     [url, done = std::move(done)](const HttpResult& result) { done(read_answer(result, url)); });
}

}  // namespace lgen
