#include "log_lines.h"

#include <charconv>
#include <chrono>

namespace lgen {
namespace {

/// Takes `prefix` off the front of `text`; false: it is not there.
bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

/// Takes a number off the front; false: there is none.
template <class Number>
bool take_number(std::string_view& text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

/// Takes everything up to and with `mark`; false: there is no mark.
bool take_until(std::string_view& text, std::string_view mark, std::string_view& before) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return false;
  before = text.substr(0, at);
  text.remove_prefix(at + mark.size());
  return true;
}

/// Whether `text` begins with a date and time as Python's logging writes them: 2025-07-31 14:48:01,861
bool begins_with_stamp(std::string_view text) {
  constexpr std::string_view kShape = "0000-00-00 00:00:00,000";
  if (text.size() < kShape.size()) return false;
  for (std::size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (kShape[i] == '0' ? !digit : text[i] != kShape[i]) return false;
  }
  return true;
}

int figure(std::string_view text, std::size_t at, std::size_t digits) {
  int n = 0;
  for (std::size_t i = at; i < at + digits; ++i) n = 10 * n + (text[i] - '0');
  return n;
}

std::int64_t stamp_ms(std::string_view text) {
  using namespace std::chrono;
  const year_month_day date{year(figure(text, 0, 4)), month(static_cast<unsigned>(figure(text, 5, 2))),
                            day(static_cast<unsigned>(figure(text, 8, 2)))};
  const auto days = sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = figure(text, 11, 2) * 3600 + figure(text, 14, 2) * 60 + figure(text, 17, 2);
  return (days * std::int64_t{86'400} + seconds) * 1000 + figure(text, 20, 3);
}

/// Cuts everything before the time stamp off (kubectl's prefixes, another time stamp); false: there is none.
bool find_stamp(std::string_view& text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (!begins_with_stamp(text.substr(at))) continue;
    text.remove_prefix(at);
    return true;
  }
  return false;
}

bool parse_opened(std::string_view text, LogLine& line) {
  double active = 0;
  if (!take(text, "Stream opened. Active streams: ") || !take_number(text, active)) return false;
  line.kind = LogLineKind::opened;
  line.active = active;
  return true;
}

bool parse_finished(std::string_view text, LogLine& line) {
  double active = 0;
  if (!take(text, "Stream finished. Active streams: ") || !take_number(text, active)) return false;
  line.kind = LogLineKind::finished;
  line.active = active;
  return true;
}

bool parse_closed(std::string_view text, LogLine& line) {
  if (!take(text, "Stream closed normally")) return false;
  take(text, " by client");
  if (!take(text, ". Processed ") || !take_number(text, line.messages)) return false;
  line.kind = LogLineKind::closed;
  return true;
}

bool parse_cancelled(std::string_view text, LogLine& line) {
  if (!take(text, "Stream cancelled by client after ") || !take_number(text, line.messages)) return false;
  line.kind = LogLineKind::cancelled;
  return true;
}

bool parse_failed(std::string_view text, LogLine& line) {
  if (!take(text, "An RPC error occurred: ") && !take(text, "A non-specific RPC error occurred: ")) return false;
  line.kind = LogLineKind::failed;
  line.detail = text;
  return true;
}

bool parse_stream(std::string_view text, LogLine& line) {
  return parse_opened(text, line) || parse_finished(text, line) || parse_closed(text, line) ||
         parse_cancelled(text, line) || parse_failed(text, line);
}

/// A client may call itself anything: the prefix ends where a known form begins.
bool parse_with_client(std::string_view text, LogLine& line) {
  if (!take(text, "[Client: ")) return false;
  for (std::size_t at = text.find("] "); at != std::string_view::npos; at = text.find("] ", at + 1)) {
    const std::string_view who = text.substr(0, at);
    constexpr std::string_view kChannel = ", Channel: ";
    const std::size_t split = who.rfind(kChannel);
    if (split == std::string_view::npos || !parse_stream(text.substr(at + 2), line)) continue;
    line.has_client = true;
    line.client = who.substr(0, split);
    line.channel = who.substr(split + kChannel.size());
    return true;
  }
  return false;
}

bool parse_server(std::string_view text, LogLine& line) {
  if (text.starts_with("Prometheus metrics server started on port ") ||
      text.starts_with("HTTP server started on port ")) {
    line.kind = LogLineKind::other_known;
    return true;
  }
  std::string_view port;
  std::uint64_t age = 0, grace = 0;
  if (!take(text, "gRPC server started on port ")) return false;
  line.kind = LogLineKind::server_started;
  if (take_until(text, "max_connection_age=", port) && take_number(text, age) && take(text, "ms, grace=") &&
      take_number(text, grace)) {
    line.age_s = static_cast<double>(age) / 1000;
    line.grace_s = static_cast<double>(grace) / 1000;
  }
  return true;
}

bool parse_message(std::string_view text, LogLine& line) {
  if (text.starts_with("Stream opened but received no messages")) {
    line.kind = LogLineKind::no_messages;
    return true;
  }
  return parse_with_client(text, line) || parse_stream(text, line) || parse_server(text, line);
}

/// "[pod/NAME/container] …": kubectl logs --prefix.
std::string_view pod_of_prefix(std::string_view line) {
  std::string_view name;
  if (!take(line, "[pod/") || !take_until(line, "/", name)) return {};
  return name;
}

}  // namespace

LogLine parse_log_line(std::string_view text) {
  LogLine line;
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
  line.pod = pod_of_prefix(text);
  if (!find_stamp(text)) return line;
  line.at_ms = stamp_ms(text);
  std::string_view before;  // " - root", then "INFO"
  if (take_until(text, " - ", before) && take_until(text, " - ", before) && take_until(text, " - ", before)) {
    parse_message(text, line);
  }
  return line;
}

}  // namespace lgen
