#include "scrape_page.h"

#include <fmt/format.h>

#include "lgen/text.h"

namespace lgen {
namespace {

std::string_view content_type(const HttpResult& result) {
  const auto header = result.headers ? find_header(*result.headers, "content-type") : std::nullopt;
  return header ? header->substr(0, header->find(';')) : std::string_view();
}

}  // namespace

std::string shown(const std::string& url) {
  const auto parsed = parse_url(url);
  return parsed ? parsed->text() : url;
}

Result<std::string> body_of(const HttpResult& result, const std::string& url) {
  if (result.error) return *result.error;
  if (result.status == 200) return std::string(result.body);
  return make_error(result.status == 404 ? ErrorCode::not_found : ErrorCode::unavailable,
                    fmt::format("{}: answered {} {}", shown(url), result.status, printable(result.reason)));
}

Result<std::string> page_text(const HttpResult& result, const std::string& url) {
  auto body = body_of(result, url);
  if (!body) return body;
  const std::string_view type = content_type(result);
  if (type == "text/html" || type == "application/openmetrics-text" || type == "application/vnd.google.protobuf") {
    return make_error(ErrorCode::protocol,
                      fmt::format("{}: a page of {}, not Prometheus' text format; {}", shown(url), type,
                                  type == "text/html" ? "is the path right?" : "that was asked for"));
  }
  return body;
}

PageResult read_page(std::string text, const std::string& url) {
  auto page = MetricsPage::parse(std::move(text));
  if (page) return page;
  return make_error(page.error().code, fmt::format("{}: {}", shown(url), page.error().message));
}

}  // namespace lgen
