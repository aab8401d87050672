#include "lua_codec.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "lgen/codec.h"
#include "lgen/units.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr int kTypeCdata = 10;                 // LuaJIT's LUA_TCDATA, in no public header
constexpr double kExact = 9007199254740992.0;  // 2^53
constexpr std::size_t kSlots = 12;             // of the Lua stack that one level of nesting may take

// ---- Names: one array per Lua state, [plan.key] = true, [field.key] = name, [value.key] = name ----

constexpr char kNames = 0;  // its address is the key in the registry

// Of the same table, below the keys, which count from 1.
constexpr int kInt64Type = -1;     // constructor of int64_t
constexpr int kUint64Type = -2;    // constructor of uint64_t
constexpr int kIntegerClass = -3;  // function(cdata) -> 1 int64_t, 2 uint64_t, 0 something else

void add_names(lua_State* L, int names, const MessagePlan& plan);

void add_enum_names(lua_State* L, int names, const EnumPlan& plan) {
  for (const EnumPlan::Value& value : plan.values) {
    push(L, value.name);
    lua_rawseti(L, names, static_cast<int>(value.key));
  }
}

bool is_known(lua_State* L, int names, const MessagePlan& plan) {
  lua_rawgeti(L, names, static_cast<int>(plan.key));
  const bool known = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return known;
}

void add_names(lua_State* L, int names, const MessagePlan& plan) {
  if (is_known(L, names, plan)) return;
  luaL_checkstack(L, LUA_MINSTACK, "message types nested too deep");
  lua_pushboolean(L, 1);
  lua_rawseti(L, names, static_cast<int>(plan.key));
  for (const FieldPlan& field : plan.fields) {
    push(L, field.name);
    lua_rawseti(L, names, static_cast<int>(field.key));
    if (field.enumeration != nullptr) add_enum_names(L, names, *field.enumeration);
    if (field.message != nullptr) add_names(L, names, *field.message);
  }
}

/// Pushes the names, with those of the plan and of all it refers to. Returns their stack index.
int push_names(lua_State* L, const MessagePlan& plan) {
  luaL_checkstack(L, LUA_MINSTACK, "no room to read or write a message");
  lua_pushlightuserdata(L, const_cast<char*>(&kNames));
  lua_rawget(L, LUA_REGISTRYINDEX);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushlightuserdata(L, const_cast<char*>(&kNames));
    lua_pushvalue(L, -2);
    lua_rawset(L, LUA_REGISTRYINDEX);
  }
  const int names = lua_gettop(L);
  add_names(L, names, plan);
  return names;
}

// ---- 64-bit integers as cdata ----

void push_ffi(lua_State* L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "_LOADED");
  lua_getfield(L, -1, LUA_FFILIBNAME);
  lua_remove(L, -2);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  lua_pushcfunction(L, luaopen_ffi);
  lua_pushliteral(L, LUA_FFILIBNAME);
  lua_call(L, 1, 1);
}

/// Pushes one of the three helpers above.
void push_integer_helper(lua_State* L, int names, int which) {
  lua_rawgeti(L, names, which);
  if (!lua_isnil(L, -1)) return;
  lua_pop(L, 1);
  luaL_loadstring(L,
                  "local ffi = ...\n"
                  "local i, u, is = ffi.typeof('int64_t'), ffi.typeof('uint64_t'), ffi.istype\n"
                  "return i, u, function(v) return is(i, v) and 1 or is(u, v) and 2 or 0 end\n");
  push_ffi(L);
  lua_call(L, 1, 3);
  lua_rawseti(L, names, kIntegerClass);
  lua_rawseti(L, names, kUint64Type);
  lua_rawseti(L, names, kInt64Type);
  lua_rawgeti(L, names, which);
}

/// Pushes a new cdata with these 64 bits. The C API has no way to make one; its constructor has.
void push_cdata(lua_State* L, int names, int which, std::uint64_t bits) {
  push_integer_helper(L, names, which);
  lua_call(L, 0, 1);
  std::memcpy(const_cast<void*>(lua_topointer(L, -1)), &bits, sizeof bits);
}

/// A whole number as Lua has it: a sign and a magnitude, so that int64 and uint64 both fit.
struct Whole {
  bool negative = false;
  std::uint64_t magnitude = 0;
};

bool read_cdata(lua_State* L, int names, Whole& value) {
  std::uint64_t bits = 0;
  push_integer_helper(L, names, kIntegerClass);
  lua_pushvalue(L, -2);
  lua_call(L, 1, 1);
  const auto kind = static_cast<int>(lua_tonumber(L, -1));
  lua_pop(L, 1);
  if (kind == 0) return false;
  std::memcpy(&bits, lua_topointer(L, -1), sizeof bits);
  value.negative = kind == 1 && static_cast<std::int64_t>(bits) < 0;
  value.magnitude = value.negative ? 0 - bits : bits;
  return true;
}

/// The decimal digits that stand for a map's key beyond 2^53 (see TableSink::put_wide).
bool read_digits(std::string_view text, Whole& value) {
  value.negative = text.starts_with('-');
  text.remove_prefix(value.negative ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value.magnitude);
  return error == std::errc{} && end == text.data() + text.size() && !text.starts_with('0') &&
         value.magnitude > static_cast<std::uint64_t>(kExact);
}

// ---- A table as source ----

class TableSource {
 public:
  static constexpr std::size_t kFirstIndex = 1;

  TableSource(lua_State* L, int names) : L_(L), names_(names) {}

  bool enter(const MessagePlan&, Fault& fault) { return is_table(fault); }

  // Counting all keys is cheap enough, and only a table with too many is looked at closely.
  bool leave(const MessagePlan& plan, std::size_t found, Fault& fault) {
    std::size_t keys = 0;
    for (lua_pushnil(L_); lua_next(L_, -2) != 0; lua_pop(L_, 1)) {
      if (++keys > found) return complain_of_unknown(plan, fault);
    }
    return found > 0 || !is_proxy() || fault.fail("this table is empty but for its metatable, which is not read here");
  }

  bool select(const FieldPlan& field) {
    lua_rawgeti(L_, names_, static_cast<int>(field.key));
    lua_rawget(L_, -2);
    type_ = lua_type(L_, -1);
    if (type_ != LUA_TNIL) return true;
    release();
    return false;
  }
  void release() {
    lua_pop(L_, 1);
    type_ = LUA_TNONE;
  }

  bool list_size(const FieldPlan&, std::size_t& size, Fault& fault) {
    if (!is_table(fault)) return false;
    size = lua_objlen(L_, -1);
    // The border that Lua calls the length says nothing about further keys, behind a hole or in the hash part.
    std::size_t keys = 0;
    for (lua_pushnil(L_); lua_next(L_, -2) != 0; lua_pop(L_, 1)) ++keys;
    return keys == size || complain_of_list(size, fault);
  }

  bool select_item(std::size_t i, Fault& fault) {
    lua_rawgeti(L_, -1, static_cast<int>(i + 1));
    type_ = lua_type(L_, -1);
    return type_ != LUA_TNIL || fault.fail("nothing here: the list has a hole");
  }

  bool enter_map(const FieldPlan&, Fault& fault) {
    if (!is_table(fault)) return false;
    lua_pushnil(L_);
    return true;
  }
  bool next_entry() {
    type_ = LUA_TNONE;
    return lua_next(L_, -2) != 0;
  }
  std::size_t position() { return static_cast<std::size_t>(lua_gettop(L_)); }
  bool describe_entry(std::size_t value_slot, Fault& fault) {
    const int key = static_cast<int>(value_slot) - 1;
    if (lua_type(L_, key) == LUA_TSTRING) return fault.in_entry(fmt::format("\"{}\"", to_view(L_, key)));
    return fault.in_entry(lua_type(L_, key) == LUA_TNUMBER ? fmt::format("{:.17g}", lua_tonumber(L_, key))
                                                           : describe(L_, key));
  }

  template <std::integral Integer>
  bool get(const FieldPlan& field, Integer& value, Fault& fault) {
    if (type() == LUA_TNUMBER) {
      const double number = lua_tonumber(L_, -1);
      if (to_integer(number, value)) return true;
      return complain_of_number(field, number, fault);
    }
    Whole whole;
    if (!read_whole(field, whole)) return expected(field, fault);
    const auto limit = static_cast<std::uint64_t>(std::numeric_limits<Integer>::max()) + (whole.negative ? 1 : 0);
    if ((whole.negative && !std::is_signed_v<Integer>) || whole.magnitude > limit) {
      return fault.fail(fmt::format("{} expected, got {}{}, which is out of range", field.type_name(),
                                    whole.negative ? "-" : "", whole.magnitude));
    }
    value = static_cast<Integer>(whole.negative ? 0 - whole.magnitude : whole.magnitude);
    return true;
  }

  bool get(const FieldPlan& field, double& value, Fault& fault) {
    if (type() != LUA_TNUMBER) return expected(field, fault);
    value = lua_tonumber(L_, -1);
    return true;
  }

  bool get(const FieldPlan& field, float& value, Fault& fault) {
    if (type() != LUA_TNUMBER) return expected(field, fault);
    const double number = lua_tonumber(L_, -1);
    if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max()) {
      return complain_of_number(field, number, fault);
    }
    value = static_cast<float>(number);
    return true;
  }

  bool get(const FieldPlan& field, bool& value, Fault& fault) {
    if (type() != LUA_TBOOLEAN) return expected(field, fault);
    value = lua_toboolean(L_, -1) != 0;
    return true;
  }

  bool get(const FieldPlan& field, std::string_view& value, Fault& fault) {
    if (type() != LUA_TSTRING) return expected(field, fault);
    std::size_t size = 0;
    const char* text = lua_tolstring(L_, -1, &size);
    value = {text, size};
    return true;
  }

  bool get_enum(const FieldPlan& field, std::int32_t& number, Fault& fault) {
    if (type() == LUA_TSTRING) return enum_by_name(*field.enumeration, number, fault);
    if (!get(field, number, fault)) return false;
    return !field.closed_enum || field.enumeration->find(number) != nullptr ||
           fault.fail(fmt::format("enum {} has no value {}", field.enumeration->name, number));
  }

 private:
  /// Of the value at hand, asked for once.
  int type() {
    if (type_ == LUA_TNONE) type_ = lua_type(L_, -1);
    return type_;
  }

  template <class Integer>
  static bool to_integer(double number, Integer& value) {
    using Limits = std::numeric_limits<Integer>;
    constexpr double kLow = std::is_signed_v<Integer> ? std::max(-kExact, static_cast<double>(Limits::min())) : 0;
    constexpr double kHigh = std::min(kExact, static_cast<double>(Limits::max()));
    if (!(number >= kLow && number <= kHigh)) return false;
    value = static_cast<Integer>(number);
    return static_cast<double>(value) == number;
  }

  bool read_whole(const FieldPlan& field, Whole& whole) {
    if (type() == kTypeCdata) return read_cdata(L_, names_, whole);
    return field.map_key && type() == LUA_TSTRING && read_digits(to_view(L_, -1), whole);
  }

  bool is_table(Fault& fault) {
    if (type() != LUA_TTABLE) return fault.fail("table expected, got " + describe(L_, -1));
    return lua_checkstack(L_, kSlots) != 0 || fault.fail("nested too deep for Lua's stack");
  }

  bool is_proxy() {
    if (lua_getmetatable(L_, -1) == 0) return false;
    lua_pop(L_, 1);
    return true;
  }

  bool complain_of_list(std::size_t size, Fault& fault) {
    for (lua_pushnil(L_); lua_next(L_, -2) != 0; lua_pop(L_, 1)) {
      const double number = lua_type(L_, -2) == LUA_TNUMBER ? lua_tonumber(L_, -2) : 0;
      if (number >= 1 && number <= static_cast<double>(size) && number == std::trunc(number)) continue;
      if (number <= static_cast<double>(size)) {
        return fault.fail("list expected, got a table with the key " + describe(L_, -2));
      }
      return fault.fail(fmt::format("the list has a hole: item {:.14g} is there, item {} is not", number, size + 1));
    }
    return fault.fail("nothing here: the list has a hole");
  }

  bool enum_by_name(const EnumPlan& plan, std::int32_t& number, Fault& fault) {
    const std::string_view name = to_view(L_, -1);
    if (const EnumPlan::Value* value = plan.find(name)) return number = value->number, true;
    std::vector<std::string_view> names;
    for (const EnumPlan::Value& value : plan.values) names.push_back(value.name);
    return fault.fail(fmt::format("enum {} has no value '{}' {}", plan.name, name, hint(name, names)));
  }

  // Names that are found belong to the plan; the table has more keys than that.
  bool complain_of_unknown(const MessagePlan& plan, Fault& fault) {
    lua_pop(L_, 2);
    for (lua_pushnil(L_); lua_next(L_, -2) != 0; lua_pop(L_, 1)) {
      if (lua_type(L_, -2) != LUA_TSTRING) {
        return fault.fail("the keys of a message are field names, got the key " + describe(L_, -2));
      }
      const std::string_view name = to_view(L_, -2);
      if (plan.find(name) == nullptr)
        return fault.fail(fmt::format("unknown field '{}' {}", name, hint(name, plan.field_names())));
    }
    return fault.fail("the table was changed while it was read");
  }

  static std::string hint(std::string_view name, const std::vector<std::string_view>& known) {
    if (const std::string_view near = did_you_mean(name, known); !near.empty()) {
      return fmt::format("(did you mean '{}'?)", near);
    }
    constexpr std::size_t kShown = 12;
    const bool cut = known.size() > kShown;
    return fmt::format("(there are: {}{})", fmt::join(known.begin(), cut ? known.begin() + kShown : known.end(), ", "),
                       cut ? ", ..." : "");
  }

  bool expected(const FieldPlan& field, Fault& fault) {
    return fault.fail(fmt::format("{} expected, got {}", element_type(field), describe(L_, -1)));
  }

  static std::string element_type(const FieldPlan& field) {
    return field.kind == FieldKind::enumeration ? "enum " + field.enumeration->name
                                                : std::string(to_string(field.kind));
  }

  bool complain_of_number(const FieldPlan& field, double number, Fault& fault) {
    if (std::isnan(number)) return fault.fail(element_type(field) + " expected, got number nan");
    const bool wide = field.kind != FieldKind::float_ && std::abs(number) > kExact;
    const char* why = number != std::trunc(number)    ? ""
                      : wide && std::isfinite(number) ? ", which is out of range (beyond 2^53 write it with LL or ULL)"
                                                      : ", which is out of range";
    return fault.fail(fmt::format("{} expected, got number {:.17g}{}", element_type(field), number, why));
  }

  lua_State* L_;
  int names_;             // stack index
  int type_ = LUA_TNONE;  // of the value at hand, where it is known
};
static_assert(MessageSource<TableSource>);

// ---- A table as sink ----

class TableSink {
 public:
  static constexpr std::size_t kFirstIndex = 1;

  TableSink(lua_State* L, int names) : L_(L), names_(names) {}

  void begin_message(const MessagePlan& plan) {
    luaL_checkstack(L_, kSlots, "message nested too deep for Lua's stack");
    // Room for what is always there and for some of what need not be.
    const std::size_t optional = plan.fields.size() - plan.always_filled;
    lua_createtable(L_, 0, static_cast<int>(plan.always_filled + std::min<std::size_t>(optional, 8)));
  }
  bool resume_message(const FieldPlan&) {
    lua_pushvalue(L_, -1);
    lua_rawget(L_, -3);
    if (!lua_isnil(L_, -1)) return true;
    lua_pop(L_, 1);
    return false;
  }

  void begin_field(const FieldPlan& field) { push_name(field.key); }
  void end_field(const FieldPlan&) { lua_rawset(L_, -3); }
  void clear_field(const FieldPlan& field) {
    push_name(field.key);
    lua_pushnil(L_);
    lua_rawset(L_, -3);
  }

  void begin_list(const FieldPlan& field, bool is_new) {
    push_name(field.key);
    if (is_new || !resume_message(field)) lua_newtable(L_);
  }
  std::size_t list_size() { return lua_objlen(L_, -1); }
  void end_item(std::size_t i) { lua_rawseti(L_, -2, static_cast<int>(i + 1)); }
  void end_list(const FieldPlan&) { lua_rawset(L_, -3); }

  void begin_map(const FieldPlan& field, bool is_new) { begin_list(field, is_new); }
  void end_entry() { lua_rawset(L_, -3); }
  void end_map(const FieldPlan&) { lua_rawset(L_, -3); }

  void put_empty(const FieldPlan&) { lua_newtable(L_); }
  void put(const FieldPlan&, std::int32_t value) { lua_pushnumber(L_, value); }
  void put(const FieldPlan&, std::uint32_t value) { lua_pushnumber(L_, value); }
  void put(const FieldPlan&, float value) { lua_pushnumber(L_, static_cast<double>(value)); }
  void put(const FieldPlan&, double value) { lua_pushnumber(L_, value); }
  void put(const FieldPlan&, bool value) { lua_pushboolean(L_, value ? 1 : 0); }
  void put(const FieldPlan&, std::string_view value) { push(L_, value); }
  void put(const FieldPlan& field, std::int64_t value) {
    constexpr auto kLimit = static_cast<std::int64_t>(kExact);
    if (value >= -kLimit && value <= kLimit) return lua_pushnumber(L_, static_cast<double>(value));
    put_wide(field, kInt64Type, value);
  }
  void put(const FieldPlan& field, std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(kExact)) return lua_pushnumber(L_, static_cast<double>(value));
    put_wide(field, kUint64Type, value);
  }
  void put_enum(const FieldPlan& field, std::int32_t number) {
    if (const EnumPlan::Value* value = field.enumeration->find(number)) return push_name(value->key);
    lua_pushnumber(L_, number);
  }

 private:
  // cdata are compared by identity as keys of a table, so nothing could be looked up by them: keys become digits.
  template <class Integer>
  void put_wide(const FieldPlan& field, int type, Integer value) {
    if (!field.map_key) return push_cdata(L_, names_, type, static_cast<std::uint64_t>(value));
    char digits[24];
    push(L_, {digits, std::to_chars(digits, digits + sizeof digits, value).ptr});
  }

  void push_name(std::uint32_t key) { lua_rawgeti(L_, names_, static_cast<int>(key)); }

  lua_State* L_;
  int names_;  // stack index
};
static_assert(MessageSink<TableSink>);

}  // namespace

Outcome encode(lua_State* L, int index, const MessagePlan& plan, WireBuffer& out) {
  const int top = lua_gettop(L);
  const int message = index < 0 ? top + index + 1 : index;
  TableSource source(L, push_names(L, plan));
  Fault fault;
  lua_pushvalue(L, message);
  out.clear();
  const bool ok = encode_message(plan, source, out, fault);
  lua_settop(L, top);
  if (!ok) return fault.to_error(ErrorCode::invalid_argument);
  return Done{};
}

Outcome decode(lua_State* L, const MessagePlan& plan, std::string_view bytes) {
  const int top = lua_gettop(L);
  TableSink sink(L, push_names(L, plan));
  Fault fault;
  if (!decode_message(plan, bytes, sink, fault)) {
    lua_settop(L, top);
    return fault.to_error(ErrorCode::protocol);
  }
  lua_remove(L, top + 1);
  return Done{};
}

}  // namespace lgen::lua
