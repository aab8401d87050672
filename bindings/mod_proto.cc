// lgen.proto and the objects it gives: schema, method, message.
#include "mod_proto.h"

#include <fmt/format.h>

#include <cstring>

#include "host.h"
#include "lgen/embedded.h"
#include "lgen/plan.h"
#include "lua_codec.h"
#include "tailed_object.h"

namespace lgen {
extern const EmbeddedFile kBundledProtos[];
extern const std::size_t kBundledProtos_count;

std::span<const EmbeddedFile> bundled_protos() { return {kBundledProtos, kBundledProtos_count}; }
}  // namespace lgen

namespace lgen::lua {
namespace {

constexpr Key kProtoKeys[] = {
    {"files", "string|string[]", "the .proto files; paths, or names below an import path"},
    {"import_paths", "string|string[]", "where imports are looked for, besides the plan's folder"},
};
constexpr KeySet kProtoOptions[] = {{"lgen.ProtoOptions", kProtoKeys}};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

int load_proto(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.proto");
  check_options(L, 1, "lgen.proto", kProtoOptions[0]);
  ProtoFiles sources;
  sources.files = string_list_field(L, 1, "files", "lgen.proto");
  sources.import_paths = string_list_field(L, 1, "import_paths", "lgen.proto");
  sources.base_dir = folder_of(host.input.path);
  sources.bundled = bundled_protos();
  if (sources.files.empty()) raise(L, "lgen.proto: files is missing; write files = {\"service.proto\"}");
  auto schema = Schema::from_files(sources);
  if (!schema) raise(L, fmt::format("lgen.proto: {}", schema.error().message));
  host.proto->schemas.push_back(std::move(*schema));
  push_object<SchemaHandle>(L, SchemaHandle{host.proto->schemas.back().get()});
  return 1;
}

Schema& check_schema(lua_State* L, std::string_view what) { return *check_object<SchemaHandle>(L, 1, what).schema; }

/// The value, or raises its error as "api:method: ...".
template <class T>
const T& value_or_raise(lua_State* L, const Result<const T*>& found, std::string_view what) {
  if (!found) raise(L, fmt::format("{}: {}", what, found.error().message));
  return **&found.value();
}

int schema_method(lua_State* L) {
  Schema& schema = check_schema(L, "api:method");
  const auto name = check_string(L, 2, "api:method");
  push_object<MethodHandle>(L, MethodHandle{&value_or_raise(L, schema.method(name), "api:method")});
  return 1;
}

int schema_message(lua_State* L) {
  Schema& schema = check_schema(L, "api:message");
  const auto name = check_string(L, 2, "api:message");
  const MessagePlan& plan = value_or_raise(L, schema.message(name), "api:message");
  const std::string_view bytes = encode_argument(L, 3, &plan, "api:message");
  auto& message = push_tailed_object(L, EncodedMessage{&plan, bytes.size()}, bytes.size());
  if (!bytes.empty()) std::memcpy(tail_of(message), bytes.data(), bytes.size());
  return 1;
}

int schema_enum(lua_State* L) {
  Schema& schema = check_schema(L, "api:enum");
  const EnumPlan& plan = value_or_raise(L, schema.enumeration(check_string(L, 2, "api:enum")), "api:enum");
  lua_createtable(L, 0, static_cast<int>(plan.values.size()));
  for (const EnumPlan::Value& value : plan.values) {
    push(L, value.name);
    lua_pushinteger(L, value.number);
    lua_rawset(L, -3);
  }
  return 1;
}

int schema_decode(lua_State* L) {
  Schema& schema = check_schema(L, "api:decode");
  const MessagePlan& plan = value_or_raise(L, schema.message(check_string(L, 2, "api:decode")), "api:decode");
  const Outcome decoded = push_message(L, &plan, check_string(L, 3, "api:decode"));
  if (decoded) return 1;
  lua_pushnil(L);
  push_error(L, to_string(GrpcCode::internal), static_cast<int>(GrpcCode::internal), decoded.error().message, "status");
  return 2;
}

int schema_types(lua_State* L) {
  const auto names = check_schema(L, "api:types").messages();
  lua_createtable(L, static_cast<int>(names.size()), 0);
  int index = 0;
  for (const std::string& name : names) {
    push(L, name);
    lua_rawseti(L, -2, ++index);
  }
  return 1;
}

/// Properties hold names only, so the key is compared as it comes.
std::string_view property_name(lua_State* L) {
  return lua_type(L, 2) == LUA_TSTRING ? to_view(L, 2) : std::string_view();
}

int method_property(lua_State* L) {
  const MethodInfo& info = *check_object<MethodHandle>(L, 1, "method").info;
  const std::string_view name = property_name(L);
  if (name == "name") {
    push(L, info.name);
  } else if (name == "kind") {
    push(L, to_string(info.kind));
  } else if (name == "input" || name == "output") {
    push(L, (name == "input" ? info.input : info.output)->name);
  } else {
    return 0;
  }
  return 1;
}

int method_tostring(lua_State* L) {
  push(L, check_object<MethodHandle>(L, 1, "method").info->name);
  return 1;
}

std::string_view bytes_of(const EncodedMessage& message) { return {tail_of(message), message.size}; }

int encoded_property(lua_State* L) {
  const auto& message = check_object<EncodedMessage>(L, 1, "message");
  const std::string_view name = property_name(L);
  if (name == "type") {
    push(L, message.plan->name);
  } else if (name == "bytes") {
    push(L, bytes_of(message));
  } else {
    return 0;
  }
  return 1;
}

int encoded_length(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(check_object<EncodedMessage>(L, 1, "message").size));
  return 1;
}

constexpr Binding kProtoBindings[] = {
    {"proto", load_proto, "fun(options: lgen.ProtoOptions): lgen.Schema",
     "[R] reads .proto files; streaming.proto, hello.proto and echo.proto are built in"},
};
constexpr Binding kSchemaBindings[] = {
    {"method", schema_method, "fun(self, name: string): lgen.Method", "[R] a method, \"pkg.Service/Method\""},
    {"message", schema_message, "fun(self, type: string, message: table): lgen.Encoded",
     "[R] encodes a message once, to be sent often"},
    {"enum", schema_enum, "fun(self, type: string): table<string, integer>", "[R] an enum's numbers by name"},
    {"decode", schema_decode, "fun(self, type: string, bytes: string): table?, lgen.Error?",
     "[R E] a message from its bytes"},
    {"types", schema_types, "fun(self): string[]", "full names of all message types"},
};
constexpr Binding kMethodBindings[] = {
    {"name", nullptr, "string", "\"pkg.Service/Method\""},
    {"kind", nullptr, "\"unary\"|\"client\"|\"server\"|\"bidi\"", "who streams"},
    {"input", nullptr, "string", "type of what is sent"},
    {"output", nullptr, "string", "type of what comes back"},
};
constexpr Binding kEncodedBindings[] = {
    {"type", nullptr, "string", "its message type"},
    {"bytes", nullptr, "string", "its wire format; # gives their number"},
};

}  // namespace

std::string_view encode_argument(lua_State* L, int index, const MessagePlan* plan, std::string_view what) {
  if (!plan) return check_string(L, index, what);
  if (const auto* encoded = test_object<EncodedMessage>(L, index)) {
    if (encoded->plan == plan) return bytes_of(*encoded);
    raise(L, fmt::format("{}: {} expected, got an encoded {}", what, plan->name, encoded->plan->name));
  }
  if (lua_type(L, index) != LUA_TTABLE) {
    raise(L, fmt::format("{}: {} expected (a table), got {}", what, plan->name, describe(L, index)));
  }
  WireBuffer& buffer = host_of(L).proto->buffer;
  const Outcome encoded = encode(L, index, *plan, buffer);
  if (!encoded) raise(L, fmt::format("{}: {}", what, encoded.error().message));
  return buffer.view();
}

Outcome push_message(lua_State* L, const MessagePlan* plan, std::string_view bytes) {
  if (plan) return decode(L, *plan, bytes);
  push(L, bytes);
  return Done{};
}

const Module kProtoModule = {"lgen", "", kProtoBindings, kProtoOptions};
const Module kSchemaClass = {
    "lgen.Schema", "Message types and methods of .proto files.", kSchemaBindings, {}, &SchemaHandle::kType};
const Module kMethodClass = {
    "lgen.Method", "A method of a service.", kMethodBindings, {}, &MethodHandle::kType, nullptr, method_property,
    nullptr,       method_tostring};
const Module kEncodedClass = {"lgen.Encoded", "A message encoded once.", kEncodedBindings, {}, &EncodedMessage::kType,
                              nullptr,        encoded_property,          encoded_length};

}  // namespace lgen::lua
