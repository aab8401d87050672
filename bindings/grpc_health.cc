// ch:health and ch:watch_health: what lua/health.lua, which waits, needs of C++.
#include <fmt/format.h>

#include "grpc_channel.h"
#include "grpc_stream.h"
#include "host.h"
#include "lgen/embedded.h"
#include "mod_grpc.h"
#include "mod_proto.h"

namespace lgen {
extern const EmbeddedFile kBundledProtos[];
extern const std::size_t kBundledProtos_count;
}  // namespace lgen

namespace lgen::lua {
namespace {

constexpr std::string_view kService = "grpc.health.v1.Health/";

/// Read when a plan first asks for somebody's health.
Schema& health_schema(ProtoState& proto) {
  if (proto.health) return *proto.health;
  ProtoFiles sources;
  sources.files = {"health.proto"};
  sources.base_dir = "/";  // nothing beside the plan is meant
  sources.bundled = {kBundledProtos, kBundledProtos_count};
  auto schema = Schema::from_files(sources);
  if (!schema) throw std::logic_error(schema.error().message);
  proto.health = *std::move(schema);
  return *proto.health;
}

/// ("ch:health", "Check", ch, service): checks what the plan gave; the method and its request.
int health_request(lua_State* L) {
  Host& host = host_of(L);
  const std::string_view what = to_view(L, 1);
  if (!test_object<ChannelHandle>(L, 3)) check_object<PoolHandle>(L, 3, what);
  host.forbid_at_load(L, what);
  const std::string_view service =
      lua_isnoneornil(L, 4) ? std::string_view() : check_string(L, 4, fmt::format("{}: service", what));
  const auto found = health_schema(*host.proto).method(fmt::format("{}{}", kService, to_view(L, 2)));
  push_object<MethodHandle>(L, MethodHandle{*found});
  lua_createtable(L, 0, 1);
  push(L, service);
  lua_setfield(L, -2, "service");
  return 2;
}

/// A stream that its loop alone holds: it ends when the loop is left, and nobody has left it open.
int attend(lua_State* L) {
  check_object<StreamHandle>(L, 1, "ch:watch_health").stream->attend();
  return 0;
}

constexpr Binding kPrimitives[] = {
    {"health_request", health_request, "fun(what: string, method: string, channel: any, service: any): any, table", ""},
    {"attend", attend, "fun(stream: lgen.Stream)", ""},
};

}  // namespace

const Module kGrpcPrimitives{.name = "_grpc", .doc = "", .bindings = kPrimitives};

}  // namespace lgen::lua
