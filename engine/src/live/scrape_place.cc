#include "scrape_place.h"

#include <fmt/format.h>

#include "address.h"
#include "lgen/http.h"

namespace lgen {
namespace {

constexpr std::string_view kDns = "dns://";
constexpr std::string_view kDiscovery = "sd+";

Error bad(std::string_view text, std::string_view why) {
  return make_error(ErrorCode::invalid_argument, fmt::format("'{}': {}", text, why));
}

Result<ScrapePlace> dns_place(std::string_view text) {
  if (!text.starts_with("dns:///")) return bad(text, "write dns:///NAME:PORT, with three slashes and no name server");
  std::string_view rest = text.substr(kDns.size() + 1);
  const std::size_t slash = rest.find('/');
  const auto host = split_host_port(rest.substr(0, slash));
  if (!host || host->host.empty() || host->port == 0)
    return bad(text, "write dns:///NAME:PORT; the pods' port is needed");
  const std::string path = slash == rest.npos ? "/metrics" : std::string(rest.substr(slash));
  if (const auto url = parse_url(fmt::format("http://{}{}", rest.substr(0, slash), path)); !url) return url.error();
  return ScrapePlace{.kind = ScrapePlace::Kind::dns, .host = host->host, .port = host->port, .path = path};
}

/// A URL that ends with its host and port means the usual page.
std::string with_path(std::string_view text) {
  const std::size_t host = text.find("://") + 3;
  return std::string(text) + (text.find_first_of("/?", host) == text.npos ? "/metrics" : "");
}

}  // namespace

Result<ScrapePlace> parse_scrape_place(std::string_view text) {
  if (text.starts_with(kDns)) return dns_place(text);
  const bool discovery = text.starts_with(kDiscovery);
  if (discovery) text.remove_prefix(kDiscovery.size());
  std::string url{text};
  if (text.find("://") == text.npos) {
    const auto host = split_host_port(text);
    if (discovery || !host || host->host.empty() || host->port == 0) {
      return bad(text,
                 "no place of metrics; there is http://HOST:PORT/PATH, HOST:PORT, dns:///NAME:PORT and "
                 "sd+http://HOST:PORT/PATH");
    }
    url = "http://" + url;
  }
  if (!discovery) url = with_path(url);
  if (const auto parsed = parse_url(url); !parsed) return parsed.error();
  return ScrapePlace{.kind = discovery ? ScrapePlace::Kind::discovery : ScrapePlace::Kind::page, .url = url};
}

}  // namespace lgen
