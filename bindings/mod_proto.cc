// lgen.proto and the objects it gives: schema, method, message.
#include "mod_proto.h"

#include <fmt/format.h>

#include <cstring>

#include "grpc_channel.h"
#include "host.h"
#include "lgen/embedded.h"
#include "lgen/plan.h"
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
    {"protoset", "string|string[]", "instead of files: descriptor sets, paths from the plan's folder"},
    {"reflection", "lgen.Channel|lgen.Pool", "instead of files: the server tells its schema, before setup"},
};
constexpr KeySet kProtoOptions[] = {{"lgen.ProtoOptions", kProtoKeys}};

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

bool has_field(lua_State* L, const char* key) {
  const bool found = get_field(L, 1, key);
  if (found) lua_pop(L, 1);
  return found;
}

/// Exactly one of files, protoset and reflection.
void check_source(lua_State* L) {
  std::string_view source;
  for (const char* key : {"files", "protoset", "reflection"}) {
    if (!has_field(L, key)) continue;
    if (!source.empty())
      raise(L, fmt::format("lgen.proto: {} and {} are both given; a schema has one source", source, key));
    source = key;
  }
  if (source.empty()) {
    raise(L,
          "lgen.proto: where is the schema? Write files = {\"service.proto\"}, protoset = \"service.pb\" or "
          "reflection = channel");
  }
  if (source != "files" && has_field(L, "import_paths")) {
    raise(L, fmt::format("lgen.proto: import_paths belong to files, not to {}", source));
  }
}

Result<std::unique_ptr<Schema>> read_schema(lua_State* L, const Host& host) {
  const std::string folder = folder_of(host.input.path);
  if (has_field(L, "protoset")) {
    return Schema::from_protoset(string_list_field(L, 1, "protoset", "lgen.proto"), folder);
  }
  ProtoFiles sources;
  sources.files = string_list_field(L, 1, "files", "lgen.proto");
  sources.import_paths = string_list_field(L, 1, "import_paths", "lgen.proto");
  sources.base_dir = folder;
  sources.bundled = bundled_protos();
  return Schema::from_files(sources);
}

/// The channel to ask, of a pool its first one; null: no reflection is asked for.
Rc<PlanChannel> reflection_source(lua_State* L) {
  if (!get_field(L, 1, "reflection")) return nullptr;
  Rc<PlanChannel> source;
  if (const auto* channel = test_object<ChannelHandle>(L, -1)) {
    source = channel->channel;
  } else if (const auto* pool = test_object<PoolHandle>(L, -1)) {
    source = pool->pool->channels.front();
  } else {
    raise(L, fmt::format("lgen.proto: reflection: a channel or a pool expected, got {}", describe(L, -1)));
  }
  lua_pop(L, 1);
  return source;
}

int load_proto(lua_State* L) {
  Host& host = host_of(L);
  host.only_at_load(L, "lgen.proto");
  check_options(L, 1, "lgen.proto", kProtoOptions[0]);
  check_source(L);
  auto schema = std::make_unique<PlanSchema>();
  schema->where = where(L);
  schema->source = reflection_source(L);
  if (!schema->source) {
    auto read = read_schema(L, host);
    if (!read) raise(L, fmt::format("lgen.proto: {}", read.error().message));
    schema->schema = *std::move(read);
  }
  push_object<SchemaHandle>(L, SchemaHandle{schema.get()});
  host.proto->plan_schemas.push_back(std::move(schema));
  return 1;
}

Schema& check_schema(lua_State* L, std::string_view what) {
  const PlanSchema& schema = *check_object<SchemaHandle>(L, 1, what).schema;
  if (!schema.schema) refuse_unknown_schema(L, what);
  return *schema.schema;
}

/// The value, or raises its error as "api:method: ...".
template <class T>
const T& value_or_raise(lua_State* L, const Result<const T*>& found, std::string_view what) {
  if (!found) raise(L, fmt::format("{}: {}", what, found.error().message));
  return **&found.value();
}

/// A handle that is filled in when the server has told its schema.
int push_pending_method(lua_State* L, PlanSchema& schema, std::string_view name) {
  if (host_of(L).phase != Phase::load) refuse_unknown_schema(L, "api:method");
  auto canonical = canonical_method_name(name);
  if (!canonical) raise(L, fmt::format("api:method: {}", canonical.error().message));
  auto method = std::make_unique<PendingMethod>();
  method->info.path = "/" + *canonical;
  method->info.name = *std::move(canonical);
  method->where = where(L);
  push_object<MethodHandle>(L, MethodHandle{&method->info, method.get()});
  schema.methods.push_back(std::move(method));
  return 1;
}

int schema_method(lua_State* L) {
  PlanSchema& schema = *check_object<SchemaHandle>(L, 1, "api:method").schema;
  const auto name = check_string(L, 2, "api:method");
  if (!schema.schema) return push_pending_method(L, schema, name);
  push_object<MethodHandle>(L, MethodHandle{&value_or_raise(L, schema.schema->method(name), "api:method")});
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
  const Outcome decoded = push_message(host_of(L), L, &plan, check_string(L, 3, "api:decode"));
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
  const auto& handle = check_object<MethodHandle>(L, 1, "method");
  const std::string_view name = property_name(L);
  if (name == "name") {
    push(L, handle.info->name);
    return 1;
  }
  if (name != "kind" && name != "input" && name != "output") return 0;
  const MethodInfo& info = known_method(L, handle, fmt::format("method.{}", name));
  if (name == "kind") {
    push(L, to_string(info.kind));
  } else {
    push(L, (name == "input" ? info.input : info.output)->name);
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
     "[R] message types and methods, from .proto files (streaming.proto, hello.proto and echo.proto are built in), a "
     "descriptor set or a server"},
};
constexpr Binding kSchemaBindings[] = {
    {"method", schema_method, "fun(self, name: string): lgen.Method",
     "[R] a method, \"pkg.Service/Method\"; by reflection it is looked up before setup"},
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
  const bool plain = plan->form == MessageForm::plain;
  if (plain ? lua_type(L, index) != LUA_TTABLE : lua_isnoneornil(L, index)) {
    raise(L, fmt::format("{}: {} expected{}, got {}", what, plan->name, plain ? " (a table)" : "", describe(L, index)));
  }
  ProtoState& state = *host_of(L).proto;
  WireBuffer& buffer = state.buffer;
  const Outcome encoded = state.codec.encode(L, index, *plan, buffer);
  if (!encoded) raise(L, fmt::format("{}: {}", what, encoded.error().message));
  return buffer.view();
}

Outcome push_message(Host& host, lua_State* L, const MessagePlan* plan, std::string_view bytes) {
  if (plan) return host.proto->codec.decode(L, *plan, bytes);
  push(L, bytes);
  return Done{};
}

const Module kProtoModule = {"lgen", "", kProtoBindings, kProtoOptions};
const Module kSchemaClass = {
    "lgen.Schema",
    "Message types and methods of a service. By reflection they are known from setup on, methods excepted.",
    kSchemaBindings,
    {},
    &SchemaHandle::kType};
const Module kMethodClass = {
    "lgen.Method", "A method of a service.", kMethodBindings, {}, &MethodHandle::kType, nullptr, method_property,
    nullptr,       method_tostring};
const Module kEncodedClass = {"lgen.Encoded", "A message encoded once.", kEncodedBindings, {}, &EncodedMessage::kType,
                              nullptr,        encoded_property,          encoded_length};

}  // namespace lgen::lua
