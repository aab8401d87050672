// The plan inside `lgen bench`, as Lua source: what a careful author would have written by hand for this one method.
// Thread: pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lgen/schema.h"
#include "lgen/time.h"
#include "message_lua.h"

namespace lgen::cli {

struct BenchPlan {
  const MethodInfo* method = nullptr;
  std::string name;             // in the report; empty: the method's
  LuaValue schema;              // what lgen.proto takes
  bool types_in_setup = false;  // the types are not known before: by reflection
  // Load: `total` calls, or as many as fit into `duration`, by `concurrency` callers; `rate`: so many begin a second.
  std::uint64_t total = 200;
  std::uint64_t concurrency = 50;
  std::optional<Duration> duration, max_duration;
  std::optional<double> rate;
  // Every call.
  std::vector<LuaTable> messages;  // one at least, dealt in turn; of a stream from the client all of them
  bool in_wire_format = false;     // they are bytes, so the method is called by its path
  std::optional<LuaTable> metadata;
  std::optional<Duration> timeout;
  // Streams.
  Duration interval{0};
  std::optional<std::uint64_t> stream_count;
  std::optional<Duration> stream_duration;
  // Connection.
  std::uint64_t connections = 1;
  std::vector<LuaEntry> channel_options;                        // beside timeout and metadata
  std::vector<std::pair<std::string, std::string>> thresholds;  // metric, condition
};

std::string write_bench_plan(const BenchPlan& plan);

}  // namespace lgen::cli
