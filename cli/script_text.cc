#include "script_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace lgen::cli {
namespace {

constexpr std::size_t kWidth = 100;
constexpr std::array<std::string_view, 22> kKeywords = {
    "and", "break", "do",  "else", "elseif", "end",    "false",  "for",  "function", "goto",  "if",
    "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while"};

/// Length of the UTF-8 sequence at the start of `text`; 0 when there is none, or only ASCII.
std::size_t sequence_length(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; };
  return std::all_of(text.begin() + 1, text.begin() + static_cast<std::ptrdiff_t>(length), continues) ? length : 0;
}

std::string one_line(const LuaValue& value) {
  if (!value.is_table) return value.expression;
  if (value.entries.empty()) return "{}";
  std::string out = "{ ";
  for (const LuaEntry& entry : value.entries) {
    if (&entry != &value.entries.front()) out += ", ";
    if (!entry.key.empty()) out += entry.key + " = ";
    out += one_line(entry.value);
  }
  return out + " }";
}

bool has_comment(const LuaValue& value) {
  return std::any_of(value.entries.begin(), value.entries.end(),
                     [](const LuaEntry& entry) { return !entry.comment.empty() || has_comment(entry.value); });
}

}  // namespace

std::string lua_string(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const char c = text[0];
    const std::size_t length = std::max<std::size_t>(sequence_length(text), 1);
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (c == '\n') {
      out += "\\n";
    } else if (length == 1 && (c < ' ' || c == 127)) {
      out += fmt::format("\\{:03}", static_cast<unsigned char>(c));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out + '"';
}

bool is_lua_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || is_digit(text[0])) return false;
  if (!std::all_of(text.begin(), text.end(), [&](char c) { return is_letter(c) || is_digit(c); })) return false;
  return std::find(kKeywords.begin(), kKeywords.end(), text) == kKeywords.end();
}

std::string lua_key(std::string_view name) {
  return is_lua_name(name) ? std::string(name) : fmt::format("[{}]", lua_string(name));
}

std::string print_lua(const LuaValue& value, std::size_t indent) {
  const std::string line = one_line(value);
  if (!value.is_table || (indent + line.size() <= kWidth && !has_comment(value))) return line;
  std::string out = "{\n";
  for (const LuaEntry& entry : value.entries) {
    const std::string key = entry.key.empty() ? "" : entry.key + " = ";
    out += fmt::format("{:{}}{}{},", "", indent + 2, key, print_lua(entry.value, indent + 2));
    out += entry.comment.empty() ? "\n" : fmt::format("  -- {}\n", entry.comment);
  }
  return out + fmt::format("{:{}}}}", "", indent);
}

}  // namespace lgen::cli
