#include "outputs.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/report.h"
#include "lgen/units.h"
#include "live_outputs.h"
#include "log_outputs.h"

namespace lgen::cli {
namespace {

using Place = OutputFormat::Place;

// In the order of --help.
constexpr OutputFormat kFormats[] = {
    {.name = "json",
     .value = "FILE",
     .help = "the whole summary; lgen report makes the other formats of it",
     .extension = ".json",
     .render = render_json},
    {.name = "html",
     .value = "FILE",
     .help = "one page with charts for a browser; needs no network",
     .extension = ".html",
     .render = render_html},
    {.name = "csv",
     .value = "FILE",
     .help = "the figures of every series of every metric, a row each",
     .extension = ".csv",
     .render = render_csv},
    {.name = "junit",
     .value = "FILE",
     .help = "thresholds, checks and verdicts as test cases, for CI",
     .extension = ".xml",
     .render = render_junit},
    {.name = "ndjson",
     .value = "FILE",
     .help = "while the run goes on, a line for each error and one for each second",
     .extension = ".ndjson",
     .keys = kNdjsonKeys,
     .open = open_ndjson},
    {.name = "hdr",
     .value = "FILE",
     .help = "while the run goes on, an HdrHistogram log of every second's latencies",
     .extension = ".hlog",
     .open = open_hdr},
    {.name = "dashboard",
     .place = Place::address,
     .value = "[ADDRESS]:PORT",
     .help = "serve a page that follows the run",
     .fallback = ":5665",
     .keys = kDashboardKeys,
     .open = open_dashboard},
    {.name = "prometheus",
     .place = Place::address,
     .value = "[ADDRESS]:PORT",
     .help = "serve the metrics of the run at /metrics",
     .fallback = ":9465",
     .keys = kPrometheusKeys,
     .open = open_prometheus},
    {.name = "opentelemetry",
     .place = Place::address,
     .value = "URL",
     .help = "push the metrics of the run to a receiver, as OTLP in JSON over HTTP",
     .keys = kOtlpKeys,
     .open = open_opentelemetry},
};

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

const OutputFormat* find_format(std::string_view name) {
  const auto* at =
      std::find_if(std::begin(kFormats), std::end(kFormats), [&](const auto& f) { return f.name == name; });
  return at == std::end(kFormats) ? nullptr : at;
}

Error unknown_format(std::string_view name) {
  std::vector<std::string_view> names;
  for (const OutputFormat& format : kFormats) names.push_back(format.name);
  const std::string_view guess = did_you_mean(name, names);
  return usage(fmt::format("unknown format '{}'{}; there are {}", name,
                           guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess), fmt::join(names, ", ")));
}

/// "r.json" means json=r.json, "dashboard" its usual place.
Result<OutputRequest> parse_alone(std::string_view text) {
  if (const OutputFormat* format = find_format(text)) {
    if (!format->fallback.empty()) return OutputRequest{format, std::string(format->fallback), {}};
    if (format->place == Place::address) return usage(fmt::format("{0}: where to? {0}={1}", text, format->value));
    return usage(fmt::format("{0}: to which file? {0}=FILE, or {0}=- for standard output", text));
  }
  const auto* at = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const OutputFormat& format) {
    return !format.extension.empty() && text.size() > format.extension.size() && text.ends_with(format.extension);
  });
  if (at != std::end(kFormats)) return OutputRequest{at, std::string(text), {}};
  if (text.find_first_of("./-") == std::string_view::npos && !text.empty()) return unknown_format(text);
  return usage(fmt::format("'{}' does not tell its format; write FORMAT=FILE, for example json=result.json", text));
}

/// Takes ",key=value" off the end of `where`, as long as there is one; a comma without a key belongs to the file's
/// name.
std::vector<std::pair<std::string, std::string>> take_keys(std::string_view& where) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (;;) {
    const std::size_t comma = where.rfind(',');
    if (comma == std::string_view::npos) break;
    const std::string_view last = where.substr(comma + 1);
    const std::string_view key = last.substr(0, last.find('='));
    const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
    if (key.empty() || key.size() == last.size() || !std::all_of(key.begin(), key.end(), is_letter)) break;
    keys.emplace(keys.begin(), key, last.substr(key.size() + 1));
    where = where.substr(0, comma);
  }
  return keys;
}

Outcome check_keys(const OutputRequest& request) {
  std::vector<std::string_view> known;
  for (const OutputKey& key : request.format->keys) known.push_back(key.name);
  for (const auto& [key, value] : request.keys) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view guess = did_you_mean(key, known);
    const std::string help = !guess.empty()  ? fmt::format(" (did you mean '{}'?)", guess)
                             : known.empty() ? "; it has none"
                                             : fmt::format("; it has {}", fmt::join(known, ", "));
    return usage(fmt::format("{}: unknown key '{}'{}", request.format->name, key, help));
  }
  return Done{};
}

}  // namespace

std::span<const OutputFormat> output_formats() { return kFormats; }

std::string words_of(const OutputFormat& format) {
  const bool may_be_left_out = !format.fallback.empty();
  std::string words =
      fmt::format("{}{}{}{}", format.name, may_be_left_out ? "[=" : "=", format.value, may_be_left_out ? "]" : "");
  for (const OutputKey& key : format.keys) words += fmt::format("[,{}={}]", key.name, key.value);
  return words;
}

std::string about_format(const OutputFormat& format) {
  std::string about(format.help);
  for (const OutputKey& key : format.keys) about += fmt::format("; {}: {}", key.name, key.help);
  if (!format.extension.empty()) about += fmt::format(" [*{}]", format.extension);
  if (!format.fallback.empty()) about += fmt::format(" [{}]", format.fallback);
  return about;
}

std::string OutputRequest::key(std::string_view name) const {
  const auto at = std::find_if(keys.rbegin(), keys.rend(), [&](const auto& pair) { return pair.first == name; });
  return at == keys.rend() ? "" : at->second;
}

Result<OutputRequest> parse_output(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return parse_alone(text);
  const OutputFormat* format = find_format(text.substr(0, equals));
  if (!format) return unknown_format(text.substr(0, equals));
  std::string_view where = text.substr(equals + 1);
  OutputRequest request{format, "", take_keys(where)};
  if (where.empty() && format->fallback.empty()) return parse_alone(format->name);
  request.where = where.empty() ? format->fallback : where;
  if (const Outcome known = check_keys(request); !known) return known.error();
  return request;
}

Result<std::vector<OutputRequest>> parse_outputs(std::span<const std::string> texts) {
  std::vector<OutputRequest> requests;
  for (const std::string& text : texts) {
    auto request = parse_output(text);
    if (!request) return usage("--out: " + request.error().message);
    const auto same = std::find_if(requests.begin(), requests.end(), [&](const OutputRequest& other) {
      return other.format->place == request->format->place && other.where == request->where;
    });
    if (same != requests.end()) {
      return usage(fmt::format("--out: both {} and {} would go to {}; give each a place of its own", same->format->name,
                               request->format->name, request->on_stdout() ? "standard output" : request->where));
    }
    requests.push_back(std::move(*request));
  }
  return requests;
}

bool takes_stdout(std::span<const OutputRequest> outputs) {
  return std::any_of(outputs.begin(), outputs.end(), [](const OutputRequest& output) { return output.on_stdout(); });
}

}  // namespace lgen::cli
