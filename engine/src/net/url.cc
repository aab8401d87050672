// Taking a URL apart: as strict as a plan's author wants it, because every mistake found here is one that would
// otherwise show as a puzzling answer of somebody's server.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "address.h"
#include "lgen/http.h"
#include "percent.h"

namespace lgen {
namespace {

Error bad_url(std::string_view text, const std::string& why) {
  return make_error(ErrorCode::invalid_argument, fmt::format("'{}' is no URL to ask: {}", without_password(text), why));
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
}

bool host_characters(std::string_view host) {
  return std::all_of(host.begin(), host.end(),
                     [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_'; });
}

/// user:password@ in front of the host; false: it is not well written.
bool take_user(std::string_view& authority, Url& url) {
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return true;
  const std::string_view user = authority.substr(0, at);
  authority.remove_prefix(at + 1);
  const std::size_t colon = user.find(':');
  const auto name = percent_decode(user.substr(0, colon));
  const auto password = percent_decode(colon == std::string_view::npos ? std::string_view() : user.substr(colon + 1));
  if (!name || !password) return false;
  url.user = *name;
  url.password = *password;
  return true;
}

/// Empty: all is well.
std::string take_host(std::string_view authority, Url& url) {
  std::string_view rest;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return "the ']' of its IPv6 address is missing";
    url.host = authority.substr(1, end - 1);
    const auto address = numeric_address(url.host, 0);
    if (!address || address->family() != AF_INET6) return fmt::format("'{}' is no IPv6 address", url.host);
    rest = authority.substr(end + 1);
  } else {
    const std::size_t colon = authority.find(':');
    if (colon != authority.rfind(':')) return "an IPv6 address goes into brackets, as in http://[::1]:80/";
    url.host = authority.substr(0, colon);
    if (url.host.empty()) return "its host is missing";
    if (!host_characters(url.host)) return fmt::format("'{}' is no name of a host", url.host);
    rest = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
  }
  if (rest.empty()) return {};
  const auto port = rest.starts_with(':') ? parse_port(rest.substr(1)) : std::nullopt;
  if (!port || *port == 0) return fmt::format("'{}' is no port (1 to 65535)", rest.substr(1));
  url.port = *port;
  return {};
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  Url url;
  std::size_t start = 7;
  if (text.starts_with("https://")) {
    url.tls = true;
    url.port = 443;
    start = 8;
  } else if (!text.starts_with("http://")) {
    return bad_url(text, "it has to begin with http:// or https://");
  }
  if (!printable(text))
    return bad_url(text, "it holds a blank, a control character or a byte beyond ASCII; write %20, %C3%A9, ...");
  text = text.substr(0, text.find('#'));
  const std::size_t end = std::min(text.find_first_of("/?", start), text.size());
  std::string_view authority = text.substr(start, end - start);
  if (!take_user(authority, url)) return bad_url(text, "a % in user:password is not followed by two hex digits");
  if (const std::string problem = take_host(authority, url); !problem.empty()) return bad_url(text, problem);
  if (end < text.size()) url.target = (text[end] == '?' ? "/" : "") + std::string(text.substr(end));
  return url;
}

namespace {

/// "/a/./b/../c" -> "/a/c", the query untouched.
std::string without_dots(std::string_view target) {
  const std::size_t query = std::min(target.find('?'), target.size());
  std::string out;
  for (std::size_t at = 0; at < query;) {
    const std::size_t next = std::min(target.find('/', at + 1), query);
    const std::string_view segment = target.substr(at, next - at);
    const bool last = next == query;
    if (segment == "/..") out.resize(std::min(out.rfind('/'), out.size()));
    if (segment != "/." && segment != "/..") {
      out += segment;
    } else if (last) {
      out += '/';
    }
    at = next;
  }
  return out + std::string(target.substr(query));
}

}  // namespace

Result<Url> resolve_reference(const Url& base, std::string_view reference) {
  if (reference.starts_with("http://") || reference.starts_with("https://")) return parse_url(reference);
  const std::string scheme = base.tls ? "https:" : "http:";
  if (reference.starts_with("//")) return parse_url(scheme + std::string(reference));
  const std::size_t colon = reference.find(':');
  if (colon < reference.find_first_of("/?#")) return parse_url(reference);  // another scheme: refused there
  const std::string_view path = std::string_view(base.target).substr(0, base.target.find('?'));
  std::string target(reference);
  if (reference.empty() || reference[0] == '#') {
    target = base.target;
  } else if (reference[0] == '?') {
    target = std::string(path) + target;
  } else if (reference[0] != '/') {
    target = std::string(path.substr(0, path.rfind('/') + 1)) + target;
  }
  Result<Url> url = parse_url(scheme + "//" + base.authority() + target);
  if (url) url->target = without_dots(url->target);
  return url;
}

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? 443 : 80) ? name : fmt::format("{}:{}", name, port);
}

std::string Url::text() const { return (tls ? "https://" : "http://") + authority() + target; }

}  // namespace lgen
