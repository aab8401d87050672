#include "http_prepared.h"

#include <algorithm>
#include <cctype>

namespace lgen {
namespace {

/// RFC 9113, 8.2.2.
bool of_connection(std::string_view name) {
  constexpr std::string_view kNames[] = {"connection",        "host",   "keep-alive", "proxy-connection",
                                         "transfer-encoding", "upgrade"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

std::string lower(std::string_view name) {
  std::string text(name);
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

nghttp2_nv make_nv(std::string_view name, std::string_view value) {
  const auto bytes = [](std::string_view text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

void make_fields(HttpPrepared& ready) {
  std::string authority = ready.url.authority();
  std::vector<std::pair<std::string, std::string>> rest;
  std::string_view lines = ready.head.text;
  lines.remove_prefix(lines.find('\n') + 1);
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const std::size_t colon = line.find(": ");
    std::string name = lower(line.substr(0, colon));
    const std::string value(line.substr(colon + 2));
    if (name == "host") authority = value;
    if (!of_connection(name)) rest.emplace_back(std::move(name), value);
  }
  ready.fields = {{":method", ready.request.method},
                  {":scheme", ready.url.tls ? "https" : "http"},
                  {":authority", std::move(authority)},
                  {":path", ready.url.target}};
  ready.fields.insert(ready.fields.end(), rest.begin(), rest.end());
  for (const auto& [name, value] : ready.fields) ready.nvs.push_back(make_nv(name, value));
}

}  // namespace lgen
