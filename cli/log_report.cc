// The findings of `lgen analyze logs` for the terminal and as JSON.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lgen/text.h"
#include "lgen/units.h"
#include "log_analysis.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostColumns = 60;  // of a time line
constexpr std::size_t kMostPods = 24;

std::string seconds_text(double s) { return format_duration(from_seconds(s)); }

std::string time_of_day(std::int64_t ms) {
  const std::int64_t s = ms / 1000 % 86'400;
  return fmt::format("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string count_of(std::uint64_t n, std::string_view word) {
  return fmt::format("{} {}{}", n, word, n == 1 ? "" : "s");
}

void print_input(Page& page, const LogReport& report) {
  std::string text = fmt::format("{} of {}", count_of(report.lines, "line"), count_of(report.pods.size(), "pod"));
  if (report.to_ms > 0) {
    text += fmt::format(", {} to {} ({})", time_of_day(report.from_ms), time_of_day(report.to_ms),
                        seconds_text(static_cast<double>(report.to_ms - report.from_ms) / 1000));
  }
  page.heading("LOGS");
  page.item({"  "}, text);
  if (report.foreign == 0) return;
  page.item({"  "}, count_of(report.foreign, "line") + " of no known form skipped, e.g.");
  page.line({"    ", Span(report.foreign_examples.front(), Tone::dim)});
}

void print_pods(Page& page, const std::vector<PodLog>& pods) {
  if (pods.empty()) return;
  page.heading("PODS");
  TextTable table({Span("pod", Tone::dim), "streams", "closed", "cancelled", "failed", "open", "messages", "peak"});
  for (std::size_t i = 0; i < std::min(pods.size(), kMostPods); ++i) {
    const PodLog& pod = pods[i];
    table.row({pod.name, std::to_string(pod.opened), std::to_string(pod.closed), std::to_string(pod.cancelled),
               Span(std::to_string(pod.failed), pod.failed > 0 ? Tone::bad : Tone::plain), std::to_string(pod.unclosed),
               std::to_string(pod.messages), fmt::format("{:.0f}", pod.peak_active)});
  }
  table.print(page, 2, table.width(2, 2) <= page.width() ? 2 : 1);
  if (pods.size() > kMostPods) page.line({fmt::format("  … {} more", pods.size() - kMostPods)});
}

/// What a table of ordinary counts would hide.
void print_oddities(Page& page, const LogReport& report) {
  for (const PodLog& pod : report.pods) {
    const Line name = {fmt::format("  {}: ", pod.name)};
    if (pod.restarts > 0) {
      page.item(name, fmt::format("started anew {}, {} lost with it", count_of(pod.restarts, "time"),
                                  count_of(pod.lost_at_restart, "stream")));
    }
    if (pod.no_messages > 0) page.item(name, count_of(pod.no_messages, "stream") + " ended without a message");
    if (pod.started_before > 0) {
      page.item(name, count_of(pod.started_before, "end") + " of streams opened before the log begins");
    }
  }
  if (report.without_client > 0) {
    page.item({"  "}, count_of(report.without_client, "stream") +
                          " without client and channel in the log: counted, but not in the matrix");
  }
}

void print_law(Page& page, const Lifetimes& lives) {
  if (lives.distance_limit == 0) return;
  const bool fits = lives.distance < lives.distance_limit;
  page.item({"  "},
            fmt::format("the longest streams of {} within it {} uniform (distance {:.2f}, chance stays below {:.2f})",
                        count_of(lives.connections, "connection"), fits ? "fit" : "do NOT fit", lives.distance,
                        lives.distance_limit),
            fits ? Tone::plain : Tone::warn);
}

void print_lifetimes(Page& page, const Lifetimes& lives) {
  if (lives.count == 0) return;
  page.heading("STREAM LIFETIMES");
  page.item({"  "}, fmt::format("{} ended: min {}, avg {}, med {}, p90 {}, max {}", count_of(lives.count, "stream"),
                                seconds_text(lives.min), seconds_text(lives.avg), seconds_text(lives.med),
                                seconds_text(lives.p90), seconds_text(lives.max)));
  if (lives.judged == 0) {
    page.item({"  "}, "no start line tells the connection age, so there is nothing to compare them with");
    return;
  }
  page.item({"  "}, fmt::format("connection age ±10 % plus grace cuts them at {} to {}: {} did it, {} ended earlier, "
                                "{} lived longer",
                                seconds_text(lives.low_s), seconds_text(lives.high_s), lives.within, lives.shorter,
                                lives.longer));
  print_law(page, lives);
}

/// Points folded to `columns` by their highest value, as blocks of a common height.
std::string sparkline(const std::vector<double>& points, std::size_t columns, double top) {
  constexpr std::array<std::string_view, 9> kBlocks = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  std::string line;
  for (std::size_t c = 0; c < columns; ++c) {
    const std::size_t from = c * points.size() / columns, to = (c + 1) * points.size() / columns;
    double high = 0;
    for (std::size_t i = from; i < std::max(to, from + 1); ++i) high = std::max(high, points[i]);
    const auto block = high <= 0 ? 0 : 1 + static_cast<std::size_t>(7 * std::min(high / top, 1.0));
    line += kBlocks[block];
  }
  return line;
}

std::size_t name_width(const LogReport& report, std::size_t most) {
  std::size_t width = 3;
  for (const PodLog& pod : report.pods) width = std::max(width, display_width(printable(pod.name)));
  return std::min(width, most);
}

void print_active(Page& page, const LogReport& report) {
  if (report.active.empty() || report.active[0].peak == 0) return;
  const std::size_t names = name_width(report, page.width() / 3);
  constexpr std::size_t kFigures = 24;  // "  now 1234  peak 1234", indent
  const std::size_t room = page.width() - std::min(page.width() - 10, names + kFigures);
  const std::size_t columns = std::min({report.active[0].points.size(), kMostColumns, room});
  const double seconds = static_cast<double>(report.step_ms) / 1000 *
                         static_cast<double>(report.active[0].points.size()) / static_cast<double>(columns);
  page.heading("ACTIVE STREAMS", {Span(fmt::format(" from {}, {} a column", time_of_day(report.from_ms),
                                                   seconds_text(std::round(seconds * 10) / 10)),
                                       Tone::dim)});
  double top = 1;
  for (std::size_t i = 1; i < report.active.size(); ++i) top = std::max(top, report.active[i].peak);
  for (std::size_t i = 0; i < std::min(report.active.size(), kMostPods + 1); ++i) {
    const ActiveSeries& one = report.active[i];
    const std::string name = i == 0 ? "sum" : printable(one.pod);
    page.line({"  ", Span(pad_right(clip(name, names), names), i == 0 ? Tone::bold : Tone::plain), " ",
               sparkline(one.points, columns, i == 0 ? one.peak : top),
               fmt::format("  now {:.0f}  peak {:.0f}", one.last, one.peak)});
  }
}

void print_log_errors(Page& page, const LogReport& report) {
  if (report.errors.empty()) return;
  page.heading("ERRORS");
  constexpr std::size_t kMost = 5;
  for (std::size_t i = 0; i < std::min(report.errors.size(), kMost); ++i) {
    page.item({fmt::format("  {:>5} × ", report.errors[i].second)}, report.errors[i].first);
  }
  if (report.errors.size() > kMost) page.line({fmt::format("  … {} other texts", report.errors.size() - kMost)});
}

Json pod_json(const PodLog& pod) {
  Json json = {{"name", pod.name},
               {"opened", pod.opened},
               {"finished", pod.finished},
               {"closed", pod.closed},
               {"cancelled", pod.cancelled},
               {"failed", pod.failed},
               {"no_messages", pod.no_messages},
               {"unclosed", pod.unclosed},
               {"lost_at_restart", pod.lost_at_restart},
               {"started_before", pod.started_before},
               {"restarts", pod.restarts},
               {"messages", pod.messages},
               {"active", pod.active},
               {"peak_active", pod.peak_active}};
  json["max_connection_age_seconds"] = pod.age_s ? Json(*pod.age_s) : Json();
  json["grace_seconds"] = pod.grace_s ? Json(*pod.grace_s) : Json();
  return json;
}

Json distribution_json(const DistributionResult& result) {
  return {{"verdict", std::string(to_string(result.verdict.kind))},
          {"why", result.verdict.why},
          {"p", result.verdict.p},
          {"subsets", result.verdict.subsets},
          {"astray", result.verdict.astray},
          {"jain", result.jain},
          {"max_over_mean", result.max_over_mean},
          {"row_names", result.table.row_names},
          {"col_names", result.table.col_names},
          {"counts", result.table.counts}};
}

Json lifetimes_json(const Lifetimes& lives) {
  return {{"count", lives.count},
          {"min", lives.min},
          {"avg", lives.avg},
          {"med", lives.med},
          {"p90", lives.p90},
          {"max", lives.max},
          {"judged", lives.judged},
          {"window", Json::array({lives.low_s, lives.high_s})},
          {"shorter", lives.shorter},
          {"within", lives.within},
          {"longer", lives.longer},
          {"connections", lives.connections},
          {"uniform_distance", lives.distance},
          {"uniform_distance_limit", lives.distance_limit}};
}

Json active_json(const ActiveSeries& series) {
  return {{"pod", series.pod.empty() ? Json() : Json(series.pod)},
          {"last", series.last},
          {"peak", series.peak},
          {"points", series.points}};
}

template <class T, class ToJson>
Json list_of(const std::vector<T>& values, ToJson to_json) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}

/// A member a line, an element a line of the members that are lists of objects: short enough to read, easy to diff.
std::string lines_of(const Json& document) {
  const auto flat = [](const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); };
  std::string text = "{\n";
  std::size_t left = document.size();
  for (auto member = document.begin(); member != document.end(); ++member) {
    text += "  " + flat(Json(member.key())) + ": ";
    const bool list = member->is_array() && !member->empty() && member->front().is_object();
    if (list) {
      for (std::size_t i = 0; i < member->size(); ++i) text += (i == 0 ? "[\n    " : ",\n    ") + flat((*member)[i]);
      text += "\n  ]";
    } else {
      text += flat(*member);
    }
    text += --left > 0 ? ",\n" : "\n";
  }
  return text + "}\n";
}

}  // namespace

std::string render_logs_console(const LogReport& report, const ConsoleStyle& style) {
  const auto width = static_cast<std::size_t>(std::max(style.width, 40));
  Page top(width, style.color), bottom(width, style.color);
  print_input(top, report);
  print_pods(bottom, report.pods);
  print_oddities(bottom, report);
  print_lifetimes(bottom, report.lifetimes);
  print_active(bottom, report);
  print_log_errors(bottom, report);
  std::string text = top.text() + "\n" + render_distribution(report.distribution, style);
  if (!bottom.text().empty()) text += "\n" + bottom.text();
  return text;
}

std::string render_logs_json(const LogReport& report) {
  Json document = {{"schema", "lgen.logs/1"},
                   {"lines", report.lines},
                   {"foreign_lines", report.foreign},
                   {"foreign_examples", report.foreign_examples},
                   {"from_ms", report.from_ms},
                   {"to_ms", report.to_ms},
                   {"distribution", distribution_json(report.distribution)},
                   {"streams_without_client", report.without_client}};
  document["pods"] = list_of(report.pods, pod_json);
  document["lifetimes_seconds"] = lifetimes_json(report.lifetimes);
  document["step_ms"] = report.step_ms;
  document["active"] = list_of(report.active, active_json);
  document["errors"] = list_of(report.errors, [](const auto& error) {
    return Json{{"message", error.first}, {"count", error.second}};
  });
  return lines_of(document);
}

}  // namespace lgen
