#include "json_text.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostLeaves = 12;  // of a value on one line
constexpr std::size_t kMostBytes = 100;

/// Counts up to `limit` and stops there, so that asking costs little for a large value.
std::size_t leaves(const Json& value, std::size_t limit) {
  if (value.is_primitive()) return 1;
  std::size_t n = 0;
  for (const Json& child : value) {
    n += leaves(child, limit);
    if (n > limit) break;
  }
  return n;
}

/// Bytes of a server that are no UTF-8 become U+FFFD instead of an exception.
std::string flat(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool is_list_of_figures(const Json& value) { return value.is_array() && !value.empty() && value[0].is_number(); }

void write_members(const Json& value, std::size_t indent, std::string& out) {
  std::size_t left = value.size();
  for (auto at = value.begin(); at != value.end(); ++at) {
    if (value.is_object()) {
      append_key(at.key(), indent, out);
    } else {
      out.append(indent, ' ');
    }
    append_json(*at, indent, out);
    out += --left > 0 ? ",\n" : "\n";
  }
}

}  // namespace

void append_key(std::string_view key, std::size_t indent, std::string& out) {
  out.append(indent, ' ');
  out += flat(Json(key)) + ": ";
}

void append_json(const Json& value, std::size_t indent, std::string& out) {
  if (value.is_primitive() || value.empty() || is_list_of_figures(value)) {
    out += flat(value);
    return;
  }
  if (indent > 0 && leaves(value, kMostLeaves) <= kMostLeaves) {
    const std::string line = flat(value);
    if (line.size() <= kMostBytes) {
      out += line;
      return;
    }
  }
  out += value.is_object() ? "{\n" : "[\n";
  write_members(value, indent + 2, out);
  out.append(indent, ' ');
  out += value.is_object() ? '}' : ']';
}

std::string json_text(const Json& document) {
  std::string out;
  append_json(document, 0, out);
  return out + '\n';
}

}  // namespace lgen
