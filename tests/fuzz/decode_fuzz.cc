// Any bytes into the decoder: with protobuf's own messages as sink, where the library is the oracle, and with Lua
// tables. The first byte picks the type.
//
// What must hold: nothing crashes and no sanitizer speaks. What we read, the library reads, and the same. What became a
// table and can be written again, is read again, and nothing stays on Lua's stack.
//
// Built by clang from the few sources that are needed (CMakeLists.txt beside this file).
#include <google/protobuf/stubs/logging.h>

#include <cstdio>
#include <cstdlib>

#include "lgen/codec.h"
#include "lua_codec.h"
#include "plan_compiler.h"
#include "protobuf_fixtures.h"
#include "reflection_codec.h"

namespace {

using namespace lgen;
using namespace lgen::test;

const char* const kTypes[] = {"everything.Scalars", "everything.Optionals", "everything.Lists", "everything.Maps",
                              "everything.Choices", "everything.WellKnown", "everything.Root",  "legacy.Old",
                              "legacy.Needs",       "everything.Wide",      "everything.Vast"};

/// What is made once.
struct Codec {
  Codec() {
    luaL_openlibs(L);
    for (const char* type : kTypes) plans.push_back(*compiler.message(make_message(type)->GetDescriptor()));
  }

  pb::LogSilencer quiet;
  lua_State* L = luaL_newstate();
  lua::LuaCodec lua;
  PlanCompiler compiler;
  std::vector<const MessagePlan*> plans;
  WireBuffer out;
};

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "decode_fuzz: %s\n", what);
  std::abort();
}

/// `theirs`: what the library reads, or null.
void against_the_library(const MessagePlan& plan, const std::string& bytes, pb::Message* theirs) {
  ReflectionSink sink;
  Fault fault;
  const bool read = decode_message(plan, bytes, sink, fault);
  if (!read) return expect(fault.text().starts_with(plan.name), "a fault does not name the message");
  MessagePtr ours = sink.take();
  expect(theirs != nullptr, "the library refuses what we read");
  expect(canonical(*ours) == canonical(*theirs), "the library reads another message");
}

void into_a_table(Codec& codec, const MessagePlan& plan, const std::string& bytes, const pb::Message* theirs) {
  lua_State* L = codec.L;
  const bool read = codec.lua.decode(L, plan, bytes).ok();
  expect(lua_gettop(L) == (read ? 1 : 0), "something stays on Lua's stack");
  expect(!read || theirs != nullptr, "the library refuses what became a table");
  if (read && codec.lua.encode(L, 1, plan, codec.out).ok()) {
    expect(codec.lua.decode(L, plan, codec.out.view()).ok(), "what we wrote cannot be read");
  }
  lua_settop(L, 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Codec& codec = *new Codec;
  if (size == 0) return 0;
  const MessagePlan& plan = *codec.plans[data[0] % codec.plans.size()];
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  MessagePtr message = make_message(plan.name);
  pb::Message* theirs = message->ParseFromString(bytes) ? message.get() : nullptr;
  against_the_library(plan, bytes, theirs);
  into_a_table(codec, plan, bytes, theirs);
  return 0;
}
