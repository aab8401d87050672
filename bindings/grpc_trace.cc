#include "grpc_trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>
#include <vector>

#include "host.h"
#include "json_values.h"
#include "lgen/log.h"
#include "lgen/units.h"
#include "mod_proto.h"

namespace lgen::lua {
namespace {

constexpr std::size_t kLongestText = 1000;  // bytes of a string that are printed
constexpr int kDeepest = 20;

bool is_name(std::string_view key) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  const auto rest = [&](char c) { return letter(c) || (c >= '0' && c <= '9'); };
  return !key.empty() && letter(key.front()) && std::all_of(key.begin(), key.end(), rest);
}

std::string value_text(lua_State* L, int index, int depth);

std::string list_text(lua_State* L, int table, int size, int depth) {
  std::string text;
  for (int i = 1; i <= size; ++i) {
    lua_rawgeti(L, table, i);
    text += fmt::format("{}{}", i > 1 ? ", " : "", value_text(L, lua_gettop(L), depth + 1));
    lua_pop(L, 1);
  }
  return text;
}

std::string map_text(lua_State* L, int table, int depth) {
  std::vector<std::string> entries;
  lua_pushnil(L);
  while (lua_next(L, table)) {
    const int value = lua_gettop(L);
    const bool plain = lua_type(L, value - 1) == LUA_TSTRING && is_name(to_view(L, value - 1));
    const std::string key =
        plain ? std::string(to_view(L, value - 1)) : fmt::format("[{}]", value_text(L, value - 1, depth + 1));
    entries.push_back(fmt::format("{} = {}", key, value_text(L, value, depth + 1)));
    lua_pop(L, 1);
  }
  std::sort(entries.begin(), entries.end());
  return fmt::format("{}", fmt::join(entries, ", "));
}

std::string value_text(lua_State* L, int index, int depth) {
  luaL_checkstack(L, 8, "value nested too deep");
  if (lua_type(L, index) == LUA_TTABLE) {
    if (depth > kDeepest) return "{...}";
    const auto size = static_cast<int>(lua_objlen(L, index));
    return fmt::format("{{{}}}", size > 0 ? list_text(L, index, size, depth) : map_text(L, index, depth));
  }
  if (lua_type(L, index) == LUA_TSTRING) return quote_for_lua(to_view(L, index));
  if (is_null(L, index)) return "lgen.null";
  if (lua_type(L, index) == LUA_TNUMBER && std::isfinite(lua_tonumber(L, index))) {
    return fmt::format("{}", lua_tonumber(L, index));  // every digit; Lua's own way has 14 of them
  }
  lua_getglobal(L, "tostring");
  lua_pushvalue(L, index);
  lua_call(L, 1, 1);
  std::string text(to_view(L, -1));
  lua_pop(L, 1);
  return text;
}

template <class Pairs>
std::string pairs_text(const Pairs* pairs) {
  std::string text;
  if (pairs) {
    for (const auto& [key, value] : *pairs) {
      const std::string name = is_name(key) ? std::string(key) : fmt::format("[{}]", quote_for_lua(key));
      text += fmt::format("{}{} = {}", text.empty() ? "" : ", ", name, quote_for_lua(value));
    }
  }
  return fmt::format("{{{}}}", text);
}

}  // namespace

std::string headers_for_lua(const std::vector<std::pair<std::string_view, std::string_view>>& headers) {
  return pairs_text(&headers);
}

std::string quote_for_lua(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text.substr(0, kLongestText)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += fmt::format("\\{}", c);
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\{:03}", byte);
    } else {
      quoted += c;
    }
  }
  quoted += '"';
  if (text.size() > kLongestText) quoted += fmt::format(" --[[ {} bytes in all ]]", text.size());
  return quoted;
}

std::string to_lua_text(lua_State* L, int index) {
  return value_text(L, index > 0 ? index : lua_gettop(L) + index + 1, 0);
}

bool Trace::wants_more() const { return calls_ < host_.settings.trace; }

std::uint64_t Trace::begin(std::string_view method, std::string_view channel) {
  if (!wants_more()) return 0;
  print(++calls_, fmt::format("{} on channel {}", method, channel));
  return calls_;
}

void Trace::metadata(std::uint64_t call, const Metadata* sent) const {
  if (call && sent && !sent->empty()) print(call, fmt::format("> metadata {}", pairs_text(sent)));
}

void Trace::sent(std::uint64_t call, lua_State* L, const MessagePlan* plan, std::string_view bytes) const {
  if (call) message(call, '>', L, plan, bytes);
}

void Trace::headers(std::uint64_t call, const MetadataView* headers, std::string_view peer) const {
  if (call) print(call, fmt::format("< headers {} from {}", pairs_text(headers), peer.empty() ? "nobody" : peer));
}

void Trace::received(std::uint64_t call, lua_State* L, const MessagePlan* plan, std::string_view bytes) const {
  if (call) message(call, '<', L, plan, bytes);
}

void Trace::print(std::uint64_t call, std::string line) const {
  host_.redactor.clean(line);
  step_aside();
  write_stderr(fmt::format("trace #{} {}\n", call, line));
}

void Trace::half_closed(std::uint64_t call) const {
  if (call) print(call, "> half-close");
}

void Trace::ended(std::uint64_t call, const GrpcStatus& status, const MetadataView* trailers, Duration took) const {
  if (!call) return;
  const std::string words = status.message.empty() ? "" : fmt::format(" {}", quote_for_lua(status.message));
  print(call, fmt::format("< status {}{}, trailers {}, after {}", to_string(status.code), words, pairs_text(trailers),
                          format_duration(took)));
}

std::function<void(std::string_view)> Trace::of_reflection(const std::string& channel, const Metadata& sent) const {
  if (host_.settings.trace == 0) return nullptr;
  return
      [head = fmt::format("trace reflection on channel {}", channel),
       metadata = sent.empty() ? std::string() : pairs_text(&sent), &redactor = host_.redactor](std::string_view line) {
        step_aside();
        write_stderr(fmt::format("{}: {}\n", head, line));
        const bool opened = line.starts_with("/");
        if (!opened || metadata.empty()) return;
        std::string clean = metadata;
        redactor.clean(clean);
        write_stderr(fmt::format("{}: > metadata {}\n", head, clean));
      };
}

void Trace::message(std::uint64_t call, char direction, lua_State* L, const MessagePlan* plan,
                    std::string_view bytes) const {
  std::string text;
  if (const Outcome decoded = push_message(host_, L, plan, bytes); decoded) {
    text = to_lua_text(L, -1);
    lua_pop(L, 1);
  } else {
    text = fmt::format("{} -- {}", quote_for_lua(bytes), decoded.error().message);
  }
  print(call, fmt::format("{} message of {} bytes {}", direction, bytes.size(), text));
}

}  // namespace lgen::lua
