#include "request_headers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "lgen/base64.h"

namespace lgen::cli {
namespace {

Error bad(const std::string& flag, const std::string& line, std::string_view why) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{} '{}': {}", flag, line, why));
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// ${NAME} -> the variable's value; fails with the name of one that is not set.
Result<std::string> expand_variables(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t start = text.find("${");
    const std::size_t end = start == std::string_view::npos ? start : text.find('}', start);
    if (end == std::string_view::npos) return out.append(text);
    const std::string name(text.substr(start + 2, end - start - 2));
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) {
      return make_error(ErrorCode::not_found, fmt::format("the environment variable {} is not set", name));
    }
    out.append(text.substr(0, start)).append(value);
    text.remove_prefix(end + 1);
  }
  return out;
}

bool is_name(std::string_view name) {
  return !name.empty() && !name.starts_with("grpc-") && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

/// What gRPC would put in its place, silently.
bool is_grpc_own(std::string_view name) { return name == "te" || name == "content-type" || name == "user-agent"; }

bool is_plain_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](unsigned char c) { return c >= 0x20 && c <= 0x7e; });
}

Result<std::pair<std::string, std::string>> parse_header(const std::string& line, bool expand,
                                                         const std::string& flag) {
  const std::size_t colon = line.find(':', 1);
  if (colon == std::string::npos) return bad(flag, line, "is not of the form 'name: value'");
  auto lower = header_name(trim(std::string_view(line).substr(0, colon)));
  if (!lower) {
    const bool is_agent = lower.error().message.find("\"user-agent\"") != std::string::npos;
    return bad(flag, line, lower.error().message + (is_agent ? "; -user-agent TEXT is put in front of it" : ""));
  }
  std::string name = *std::move(lower);
  std::string value(trim(std::string_view(line).substr(colon + 1)));
  if (expand) {
    auto expanded = expand_variables(value);
    if (!expanded) return bad(flag, line, expanded.error().message);
    value = std::move(*expanded);
  }
  auto bytes = header_value(name, value);
  if (!bytes) return bad(flag, line, bytes.error().message);
  return std::pair(std::move(name), *std::move(bytes));
}

}  // namespace

Result<std::string> header_name(std::string_view said) {
  std::string name(said);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (is_grpc_own(name)) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("metadata key \"{}\" cannot be sent: gRPC writes this header itself", name));
  }
  if (is_name(name)) return name;
  return make_error(
      ErrorCode::invalid_argument,
      fmt::format("metadata key \"{}\" cannot be sent: a-z 0-9 - _ . only, not beginning with 'grpc-'", name));
}

Result<std::string> header_value(std::string_view name, std::string_view said) {
  if (name.ends_with("-bin")) {
    auto bytes = from_base64(said);
    if (bytes) return *std::move(bytes);
    return make_error(ErrorCode::invalid_argument, "the value of a -bin header must be base64");
  }
  if (is_plain_value(said)) return std::string(said);
  return make_error(ErrorCode::invalid_argument,
                    "a value may hold printable ASCII only; name the header ...-bin and give it in base64");
}

Result<Metadata> parse_headers(const std::vector<std::string>& lines, bool expand, const std::string& flag) {
  Metadata headers;
  for (const std::string& line : lines) {
    auto header = parse_header(line, expand, flag);
    if (!header) return header.error();
    headers.push_back(std::move(*header));
  }
  return headers;
}

}  // namespace lgen::cli
