// The codec beside what protobuf offers: a 9-field message of about 120 bytes, to the wire and back. lgen goes from and
// into a Lua table; so does the binding over DynamicMessage that one would write without it; the generated class is
// filled from constants and read into itself, with no Lua at all.
//
// The three take turns in one process; the ratios are of medians of CPU time, because machines are shared.
#include <codec/bench.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "lgen/schema.h"
#include "lua_codec.h"

namespace {

namespace pb = google::protobuf;
using codec_bench::Order;

constexpr int kTurns = 9;
int messages = 100000;  // a turn; an argument asks for fewer, to count instructions with callgrind

constexpr const char* kTable =
    "return { id = 'order-0000-4711-abcd', channel = 17, client = 'client-0123456789', sequence = 123456789012,"
    " price = 99.95, urgent = true, quantity = 250, note = 'a note as people write it, not too long',"
    " checksum = 1234567890123456 }";

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void fail(const std::string& why) {
  std::fprintf(stderr, "codec bench: %s\n", why.c_str());
  std::exit(1);
}

void fill(Order& order) {
  order.set_id("order-0000-4711-abcd");
  order.set_channel(17);
  order.set_client("client-0123456789");
  order.set_sequence(123456789012);
  order.set_price(99.95);
  order.set_urgent(true);
  order.set_quantity(250);
  order.set_note("a note as people write it, not too long");
  order.set_checksum(1234567890123456);
}

/// The table on the stack into a message, as a binding without field plans would do it.
void fill_from_table(lua_State* L, pb::Message& order, const pb::Descriptor* type) {
  const pb::Reflection* r = order.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    lua_getfield(L, -1, field->name().c_str());
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        r->SetInt32(&order, field, static_cast<int>(lua_tonumber(L, -1)));
        break;
      case pb::FieldDescriptor::CPPTYPE_INT64:
        r->SetInt64(&order, field, static_cast<long>(lua_tonumber(L, -1)));
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        r->SetUInt32(&order, field, static_cast<unsigned>(lua_tonumber(L, -1)));
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        r->SetUInt64(&order, field, static_cast<unsigned long>(lua_tonumber(L, -1)));
        break;
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        r->SetDouble(&order, field, lua_tonumber(L, -1));
        break;
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        r->SetBool(&order, field, lua_toboolean(L, -1) != 0);
        break;
      default:
        r->SetString(&order, field, lua_tostring(L, -1));
    }
    lua_pop(L, 1);
  }
}

/// The other way round: pushes a table.
void push_table(lua_State* L, const pb::Message& order, const pb::Descriptor* type) {
  const pb::Reflection* r = order.GetReflection();
  std::string scratch;
  lua_createtable(L, 0, type->field_count());
  for (int i = 0; i < type->field_count(); ++i) {
    const pb::FieldDescriptor* field = type->field(i);
    switch (field->cpp_type()) {
      case pb::FieldDescriptor::CPPTYPE_INT32:
        lua_pushnumber(L, r->GetInt32(order, field));
        break;
      case pb::FieldDescriptor::CPPTYPE_INT64:
        lua_pushnumber(L, static_cast<double>(r->GetInt64(order, field)));
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT32:
        lua_pushnumber(L, r->GetUInt32(order, field));
        break;
      case pb::FieldDescriptor::CPPTYPE_UINT64:
        lua_pushnumber(L, static_cast<double>(r->GetUInt64(order, field)));
        break;
      case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        lua_pushnumber(L, r->GetDouble(order, field));
        break;
      case pb::FieldDescriptor::CPPTYPE_BOOL:
        lua_pushboolean(L, r->GetBool(order, field) ? 1 : 0);
        break;
      default:
        lua_pushstring(L, r->GetStringReference(order, field, &scratch).c_str());
    }
    lua_setfield(L, -2, field->name().c_str());
  }
}

struct Contender {
  const char* name;
  std::function<void()> once;
  std::vector<double> nanoseconds = {};

  void turn() {
    const double start = cpu_seconds();
    for (int i = 0; i < messages; ++i) once();
    nanoseconds.push_back((cpu_seconds() - start) * 1e9 / messages);
  }
  double median() {
    std::sort(nanoseconds.begin(), nanoseconds.end());
    return nanoseconds[nanoseconds.size() / 2];
  }
};

/// The first contender is lgen, the second the generated class, the third DynamicMessage.
void compare(const char* what, double goal, std::vector<Contender> contenders) {
  for (int turn = 0; turn < kTurns; ++turn) {
    for (Contender& contender : contenders) contender.turn();
  }
  const double ours = contenders[0].median();
  for (Contender& contender : contenders)
    std::printf("%-14s %-16s %8.0f ns\n", what, contender.name, contender.median());
  std::printf(
      "%-14s %.2f x the generated class (goal: at most %.0f), DynamicMessage takes %.1f x as long (goal: at least "
      "5)\n\n",
      what, ours / contenders[1].median(), goal, contenders[2].median() / ours);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) messages = std::max(1, std::atoi(argv[1]));
  auto schema = lgen::Schema::from_files({{"codec/bench.proto"}, {}, LGEN_TEST_DATA, {}});
  if (!schema) fail(schema.error().message);
  const lgen::MessagePlan& plan = **(*schema)->message("codec_bench.Order");
  lua_State* L = luaL_newstate();
  luaL_openlibs(L);
  if (luaL_dostring(L, kTable) != 0) fail(lua_tostring(L, -1));

  Order order;
  fill(order);
  const std::string bytes = order.SerializeAsString();
  lgen::WireBuffer out;
  lgen::lua::LuaCodec codec;
  if (!codec.encode(L, -1, plan, out) || out.view() != bytes) fail("the table and the class differ on the wire");
  std::printf("message of 9 fields, %zu bytes; medians of %d turns of %d messages\n\n", bytes.size(), kTurns, messages);

  pb::DynamicMessageFactory factory;
  const pb::Descriptor* type = Order::descriptor();
  const pb::Message* prototype = factory.GetPrototype(type);
  std::string text;
  compare("table to wire", 4,
          {{"Lua table", [&] { (void)codec.encode(L, -1, plan, out); }},
           {"generated class",
            [&] {
              Order message;
              fill(message);
              message.SerializeToString(&text);
            }},
           {"DynamicMessage", [&] {
              std::unique_ptr<pb::Message> message(prototype->New());
              fill_from_table(L, *message, type);
              message->SerializeToString(&text);
            }}});
  compare("wire to table", 6,
          {{"Lua table",
            [&] {
              (void)codec.decode(L, plan, bytes);
              lua_pop(L, 1);
            }},
           {"generated class",
            [&] {
              Order message;
              message.ParseFromString(bytes);
            }},
           {"DynamicMessage", [&] {
              std::unique_ptr<pb::Message> message(prototype->New());
              message->ParseFromString(bytes);
              push_table(L, *message, type);
              lua_pop(L, 1);
            }}});
  lua_close(L);
  return 0;
}
