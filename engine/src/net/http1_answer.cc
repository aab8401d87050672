#include "http1_answer.h"

#include <fmt/format.h>
#include <http_parser.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <ctime>

#include "gzip.h"
#include "http1_request.h"

namespace lgen {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return std::tolower(c); });
  return result;
}

bool is_text(std::string_view type) {
  constexpr std::array<std::string_view, 4> kTexts = {"text/", "application/json", "application/javascript",
                                                      "image/svg+xml"};
  return std::any_of(kTexts.begin(), kTexts.end(), [&](std::string_view text) { return type.starts_with(text); });
}

std::string date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[parts.tm_wday], parts.tm_mday,
                     kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

/// Status line and what every answer has. Headers that would break out of their line are left out.
std::string start_head(const HttpAnswer& answer, const AnswerManner& manner) {
  std::string head = fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", answer.status,
                                 http_status_str(static_cast<http_status>(answer.status)), date());
  if (has_body(answer.status)) head += fmt::format("Content-Type: {}\r\n", answer.content_type);
  for (const auto& [name, value] : answer.headers) {
    if (sendable_header(name, value)) head += fmt::format("{}: {}\r\n", name, value);
  }
  if (!manner.keep_alive) head += "Connection: close\r\n";
  if (manner.keep_alive && manner.http_1_0) head += "Connection: keep-alive\r\n";
  return head;
}

}  // namespace

std::string write_answer(const HttpAnswer& answer, const AnswerManner& manner, std::size_t gzip_from) {
  std::string head = start_head(answer, manner);
  if (!has_body(answer.status)) return head + "\r\n";
  const bool packable = answer.body.size() >= gzip_from && is_text(answer.content_type) &&
                        !has_header(answer.headers, "content-encoding");
  if (packable) head += "Vary: Accept-Encoding\r\n";
  std::string packed;
  if (packable && manner.accepts_gzip) {
    packed = gzip(answer.body);
    head += "Content-Encoding: gzip\r\n";
  }
  const std::string& body = packed.empty() ? answer.body : packed;
  head += fmt::format("Content-Length: {}\r\n\r\n", body.size());
  return manner.head_only ? head : head + body;
}

std::string write_stream_head(const HttpAnswer& answer, const AnswerManner& manner) {
  return start_head(answer, manner) + (manner.http_1_0 ? "\r\n" : "Transfer-Encoding: chunked\r\n\r\n");
}

std::string write_chunk(std::string_view bytes, bool http_1_0) {
  if (http_1_0) return std::string(bytes);
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

/// "gzip", "*", "br, gzip;q=0.5"; not "gzip;q=0".
bool accepts_gzip(const HttpHeadersView& headers) {
  const auto value = find_header(headers, "accept-encoding");
  if (!value) return false;
  std::string text = lower(*value);
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    const std::string_view name = one.substr(0, one.find(';'));
    if (name != "gzip" && name != "*") continue;
    const std::size_t quality = one.find(";q=");
    return quality == std::string_view::npos || one.find_first_not_of("0.", quality + 3) != std::string_view::npos;
  }
  return false;
}

}  // namespace lgen
