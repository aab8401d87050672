// The options of channels, pools and calls as plans write them, read strictly.
// Thread: the loop's.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/grpc.h"
#include "lgen/metrics.h"
#include "stack.h"

namespace lgen::lua {

/// How to learn who served a call.
struct BackendRule {
  enum class Source { automatic, header, trailer, field, peer };  // automatic: header x-backend, else peer
  Source source = Source::automatic;
  std::string key = "x-backend";
  std::vector<std::string> path;  // of a field, "a.b" split
};

/// What a channel's options say about every call and stream on it.
struct CallDefaults {
  std::optional<Duration> timeout;  // of unary calls
  bool wait_for_ready = false;
  Metadata metadata;
  int metadata_function = LUA_NOREF;
  Labels tags;
  BackendRule backend;
  std::optional<std::uint64_t> max_streams;
  bool retries = false;  // calls may take more than one attempt
};

/// Everything in `o` of lgen.grpc.channel and lgen.grpc.pool.
struct ChannelDecl {
  std::string transport;
  ChannelOptions wire;
  CallDefaults calls;
  // Pools only.
  std::size_t size = 1;
  Pick pick = Pick::round_robin;
  int pick_function = LUA_NOREF;
  bool shared = false;
};

extern const KeySet kChannelOptions, kPoolOptions, kCallOptions, kStreamOptions, kCorrelateOptions;
/// All option tables of lgen.grpc, for the registry.
std::span<const KeySet> grpc_option_tables();

/// Reads `o` at `index` (may be absent). `what`: `lgen.grpc.pool "main"`.
void read_channel_options(lua_State* L, int index, std::string_view what, const std::string& target, bool pool,
                          ChannelDecl& decl);

/// Options of one call or stream. Trivially destructible: nothing is lost when a later check raises.
struct CallSettings {
  std::optional<Duration> timeout;
  std::optional<bool> wait_for_ready;
  std::optional<Compression> compression;
  bool decode = true;
  int metadata = 0;   // stack index, 0: none
  int tags = 0;       // stack index, 0: none
  int correlate = 0;  // stack index, 0: none; streams only
};

/// What error messages call a function and its options: ready-made, because calls are many and errors few.
struct CallWords {
  std::string_view function, timeout, wait_for_ready, decode, tags, compression;
  bool stream = false;  // ch:open: it has options of its own
};

/// Reads the table at `index` (may be absent); the values it refers to stay on the stack.
CallSettings read_call_options(lua_State* L, int index, const CallWords& words);

/// lgen.TlsOptions and lgen.BackendRule, for whoever has them among its options.
TlsOptions read_tls_options(lua_State* L, int index, const std::string& what);
BackendRule read_backend_rule(lua_State* L, int index, const std::string& what);

/// {name = "value"}: string to string.
void read_tags(lua_State* L, int index, std::string_view what, Labels& tags);

}  // namespace lgen::lua
