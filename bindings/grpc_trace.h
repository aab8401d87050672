// --trace: the first N calls and streams whole, on stderr: headers, messages, status.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/grpc.h"
#include "lgen/message_plan.h"

namespace lgen::lua {

struct Host;

class Trace {
 public:
  explicit Trace(Host& host) : host_(host) {}

  /// Whether begin() would give a number: for those who have to make up a name first.
  bool wants_more() const;
  /// The number of a call that is to be traced, or 0. The caller keeps it and passes it to all that follows.
  std::uint64_t begin(std::string_view method, std::string_view channel);

  void metadata(std::uint64_t call, const Metadata* sent) const;
  void sent(std::uint64_t call, lua_State* L, const MessagePlan* plan, std::string_view bytes) const;
  void headers(std::uint64_t call, const MetadataView* headers, std::string_view peer) const;
  void received(std::uint64_t call, lua_State* L, const MessagePlan* plan, std::string_view bytes) const;
  void half_closed(std::uint64_t call) const;
  /// Any other line about a call.
  void tell(std::uint64_t call, std::string line) const {
    if (call) print(call, std::move(line));
  }
  void ended(std::uint64_t call, const GrpcStatus& status, const MetadataView* trailers, Duration took) const;

  /// Prints what is asked of a server's reflection and what it says; null when nothing is to be traced. These calls are
  /// lgen's own and do not count among the N.
  std::function<void(std::string_view line)> of_reflection(const std::string& channel, const Metadata& sent) const;

 private:
  void message(std::uint64_t call, char direction, lua_State* L, const MessagePlan* plan, std::string_view bytes) const;

  void print(std::uint64_t call, std::string line) const;

  Host& host_;
  std::uint64_t calls_ = 0;
};

/// The value as a plan would write it: {message = "hi", channel_id = 3, tags = {"a", "b"}}; keys sorted.
std::string to_lua_text(lua_State* L, int index);
/// {["content-type"] = "text/plain", ...}
std::string headers_for_lua(const std::vector<std::pair<std::string_view, std::string_view>>& headers);
/// In quotes, with escapes; long texts are cut and say how long they are.
std::string quote_for_lua(std::string_view text);

}  // namespace lgen::lua
