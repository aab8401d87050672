#include "http1_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "lgen/base64.h"
#include "lgen/version.h"

namespace lgen {
namespace {

constexpr std::string_view kExpect = "expect";

bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos);
  });
}

void add(std::string& head, const HttpRequest& request, std::string_view name, std::string_view value) {
  if (!has_header(request.headers, name)) head += fmt::format("{}: {}\r\n", name, value);
}

bool expects_continue(std::string_view name, std::string_view value) {
  return same_header_name(name, kExpect) && same_header_name(value, "100-continue");
}

bool has_length(const HttpRequest& request) {
  return has_header(request.headers, "Content-Length") || has_header(request.headers, "Transfer-Encoding");
}

Outcome check(const HttpRequest& request) {
  if (!is_token(request.method)) {
    return make_error(ErrorCode::invalid_argument, fmt::format("'{}' is no HTTP method", request.method));
  }
  for (const auto& [name, value] : request.headers) {
    if (sendable_header(name, value)) continue;
    return make_error(
        ErrorCode::invalid_argument,
        fmt::format("the header '{}' cannot be sent: a name is made of letters, digits and -, and neither "
                    "may hold control characters",
                    name));
  }
  return Done{};
}

}  // namespace

bool same_header_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool has_header(const HttpHeaders& headers, std::string_view name) {
  return std::any_of(headers.begin(), headers.end(),
                     [&](const auto& header) { return same_header_name(header.first, name); });
}

bool sendable_header(std::string_view name, std::string_view value) {
  return is_token(name) &&
         std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

Result<Http1Head> write_head(const HttpRequest& request, const Url& url, const HttpClientOptions& options) {
  if (const Outcome checked = check(request); !checked) return checked.error();
  Http1Head head{.text = fmt::format("{} {} HTTP/1.1\r\n", request.method, url.target)};
  std::string& text = head.text;
  add(text, request, "Host", url.authority());
  add(text, request, "User-Agent", options.user_agent.empty() ? "lgen/" + std::string(kVersion) : options.user_agent);
  add(text, request, "Accept", "*/*");
  if (options.gzip) add(text, request, "Accept-Encoding", "gzip");
  if (!options.keepalive) add(text, request, "Connection", "close");
  if (!url.user.empty()) add(text, request, "Authorization", "Basic " + to_base64(url.user + ":" + url.password));
  std::string without_body = text;
  for (const auto& [name, value] : request.headers) {
    const std::string line = fmt::format("{}: {}\r\n", name, value);
    text += line;
    head.expects = head.expects || expects_continue(name, value);
    head.upgrades = head.upgrades || same_header_name(name, "Upgrade");
    if (!same_header_name(name, kExpect)) without_body += line;
  }
  const bool announced = has_length(request);
  const bool carries = request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  head.add_length = !announced;
  head.alone = without_body + (carries && !announced ? "Content-Length: 0\r\n\r\n" : "\r\n");
  return head;
}

}  // namespace lgen
