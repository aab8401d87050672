#include "starter_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sample_message.h"

namespace lgen::cli {
namespace {

constexpr std::string_view kHead = R"(-- {method}. Try it without a network: lgen check {file}
-- Run it: lgen {file} --target HOST:PORT
local lgen = require "lgen"

lgen.plan {{ api = 1, name = "{name}" }}

-- One connection; lgen.grpc.pool("main", lgen.target, {{ size = 4 }}) would be four of them.
local channel = lgen.grpc.channel("main", lgen.target)
local api = lgen.proto {schema}
local {handle} = api:method "{method}"

-- Every field of {input}; leave out what you do not need.{left_out}
local request = {request}

lgen.scenario("{name}", {{
  -- Ten virtual users, each one iteration after another; --vus and --duration override it.
  load = lgen.load.constant_vus {{ vus = 10, duration = "10s" }},
  run = function(vu)
)";

constexpr std::string_view kUnary = R"(    -- A call that fails gives nil and an error, and is counted in any case.
    local reply, err = channel:call({handle}, request, {{ timeout = "5s" }})
    lgen.check("replied", reply, err)
)";

constexpr std::string_view kClient = R"(    local stream = channel:open({handle}, {{ timeout = "30s" }})
    for _ = 1, 10 do
      stream:send(request)
      lgen.delay(0.05, 0.15)
    end
    -- Half-closes and waits for the reply.
    local reply, err = stream:close()
    lgen.check("replied", reply, err)
)";

constexpr std::string_view kServer = R"(    local stream = channel:open({handle}, {{ timeout = "30s" }})
    stream:send(request)
    local received = 0
    for reply in stream:messages() do received = received + 1 end
    stream:close()
    local status = stream:status()
    lgen.check("ended well", status and status.code == "OK", status)
)";

constexpr std::string_view kBidi = R"(    local stream = channel:open({handle}, {{ timeout = "30s" }})
    -- A task of its own reads, so that neither side waits for the other.
    local reader = lgen.spawn(function()
      local received = 0
      for reply in stream:messages() do received = received + 1 end
      return received
    end)
    for _ = 1, 10 do
      stream:send(request)
      lgen.delay(0.05, 0.15)
    end
    stream:half_close()
    reader:join()
    stream:close()
    local status = stream:status()
    lgen.check("ended well", status and status.code == "OK", status)
)";

constexpr std::string_view kUnaryTail = R"(  end,
}})

-- The run fails, with exit code 99, unless 99 % of the calls are answered within half a second.
lgen.threshold("grpc_call_duration_seconds", "p(99) < 0.5")
)";

constexpr std::string_view kStreamTail = R"(  end,
}})

-- The run fails, with exit code 99, when a stream ends otherwise than OK.
lgen.threshold("grpc_streams_failed", "count == 0")
)";

std::string_view body_of(MethodKind kind) {
  switch (kind) {
    case MethodKind::unary:
      return kUnary;
    case MethodKind::client:
      return kClient;
    case MethodKind::server:
      return kServer;
    case MethodKind::bidi:
      return kBidi;
  }
  return kUnary;
}

/// The method's name as a variable that hides none of the plan's others.
std::string handle_of(const std::string& name) {
  constexpr std::array<std::string_view, 6> kTaken = {"lgen", "api", "channel", "request", "vu", "_"};
  const bool taken = std::find(kTaken.begin(), kTaken.end(), name) != kTaken.end();
  return taken || !is_lua_name(name) ? "Method" : name;
}

/// Fields that the sample does not have, a line each.
std::string left_out_comment(const std::vector<std::string>& fields) {
  constexpr std::size_t kShown = 10;
  std::string out = fields.empty() ? "" : "\n-- Not shown, of a type that comes round to itself or may be anything:";
  for (std::size_t i = 0; i < std::min(fields.size(), kShown); ++i) out += fmt::format("\n--   {}", fields[i]);
  if (fields.size() > kShown) out += fmt::format("\n--   and {} more", fields.size() - kShown);
  return out;
}

}  // namespace

std::string write_starter_plan(const std::string& file, const MethodInfo& method, const LuaValue& schema) {
  using fmt::arg;
  const std::string name = method.name.substr(method.name.rfind('/') + 1);
  std::vector<std::string> left_out;
  const std::string handle = handle_of(name), request = print_lua(sample_of(*method.input, left_out), 0);
  std::string out =
      fmt::format(fmt::runtime(kHead), arg("method", method.name), arg("file", file), arg("name", name),
                  arg("schema", print_lua(schema, 0)), arg("handle", handle), arg("input", method.input->name),
                  arg("request", request), arg("left_out", left_out_comment(left_out)));
  out += fmt::format(fmt::runtime(body_of(method.kind)), arg("handle", handle));
  return out + fmt::format(fmt::runtime(method.kind == MethodKind::unary ? kUnaryTail : kStreamTail));
}

}  // namespace lgen::cli
