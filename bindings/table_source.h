// A Lua table as source of the engine's codec.
//
// The values of a message lie on the Lua stack, where a generated function has put them (table_access.h); "at hand" is
// a stack slot. Tables are read raw: metatables have no say.
//
// Thread: the loop's. Lifetime: of one message being written.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <string_view>

#include "json_values.h"
#include "lgen/codec.h"
#include "stack.h"
#include "table_access.h"
#include "wide_integer.h"

namespace lgen::lua {

/// The errors, which need no inlining.
class TableComplaints {
 protected:
  static bool of_keys(lua_State* L, int table, const MessagePlan& plan, Fault& fault);
  static bool of_list(lua_State* L, int table, std::size_t size, Fault& fault);
  static bool of_enum_name(std::string_view name, const EnumPlan& plan, Fault& fault);
  static bool of_number(const FieldPlan& field, double number, Fault& fault);
  static bool of_whole(const FieldPlan& field, const Whole& whole, Fault& fault);
  static bool of_type(lua_State* L, int index, const FieldPlan& field, Fault& fault);
  static bool of_seconds(lua_State* L, int index, const MessagePlan& plan, Fault& fault);
  /// The decimal digits that stand for a map's key beyond 2^53.
  static bool read_digits(std::string_view text, Whole& value);
};

class TableSource : private TableComplaints {
 public:
  static constexpr std::size_t kFirstIndex = 1;

  /// `array`: TableAccess::push; `message`: the stack slot of the table.
  TableSource(lua_State* L, int array, int message) : L_(L), array_(array), at_(message) {}

  bool enter(const MessagePlan& plan, Fault& fault) {
    if (!is_table(fault)) return false;
    ++level_;
    level_->plan = &plan;
    level_->table = at_;
    level_->base = lua_gettop(L_);
    level_->raw = has_metatable(at_);
    take(TableAccess::last_group(plan));
    level_->keys = static_cast<std::size_t>(lua_tonumber(L_, level_->base + 1));
    return true;
  }

  bool select(const FieldPlan&, std::uint32_t index) {
    if (index / TableAccess::kGroup != level_->group) {
      lua_settop(L_, level_->base);
      take(index / TableAccess::kGroup);
    }
    at_ = level_->base + 2 + static_cast<int>(index % TableAccess::kGroup);
    type_ = lua_type(L_, at_);
    return type_ != LUA_TNIL;
  }

  bool leave(const MessagePlan& plan, std::size_t found, Fault& fault) {
    if (level_->keys > found) return of_keys(L_, level_->table, plan, fault);
    if (found == 0 && level_->raw && has_index(level_->table)) {
      return fault.fail("this table is empty but for its metatable, which is not read here");
    }
    lua_settop(L_, level_->base);
    --level_;
    return true;
  }

  std::size_t place() { return static_cast<std::size_t>(at_); }

  bool list_size(const FieldPlan&, std::size_t& size, Fault& fault) {
    if (!is_table(fault)) return false;
    size = lua_objlen(L_, at_);
    // The border that Lua calls the length says nothing about further keys, behind a hole or in the hash part.
    std::size_t keys = 0;
    for (lua_pushnil(L_); lua_next(L_, at_) != 0; lua_pop(L_, 1)) ++keys;
    return keys == size || of_list(L_, at_, size, fault);
  }

  bool select_item(std::size_t list, std::size_t i, Fault& fault) {
    lua_rawgeti(L_, static_cast<int>(list), static_cast<int>(i + 1));
    at_ = lua_gettop(L_);
    type_ = lua_type(L_, at_);
    return type_ != LUA_TNIL || fault.fail("nothing here: the list has a hole");
  }

  bool enter_map(const FieldPlan&, Fault& fault) {
    if (!is_table(fault)) return false;
    lua_pushnil(L_);
    return true;
  }
  bool next_entry(std::size_t map) {
    if (lua_next(L_, static_cast<int>(map)) == 0) return false;
    to_top();
    return true;
  }
  void release() {
    lua_pop(L_, 1);
    to_top();
  }
  bool describe_entry(std::size_t value_slot, Fault& fault) {
    const int key = static_cast<int>(value_slot) - 1;
    if (lua_type(L_, key) == LUA_TSTRING) return fault.in_entry(fmt::format("\"{}\"", to_view(L_, key)));
    return fault.in_entry(lua_type(L_, key) == LUA_TNUMBER ? fmt::format("{:.17g}", lua_tonumber(L_, key))
                                                           : describe(L_, key));
  }

  template <std::integral Integer>
  bool get(const FieldPlan& field, Integer& value, Fault& fault) {
    if (type() == LUA_TNUMBER) {
      const double number = lua_tonumber(L_, at_);
      if (to_integer(number, value)) return true;
      return of_number(field, number, fault);
    }
    Whole whole;
    if (!read_whole(field, whole)) return of_type(L_, at_, field, fault);
    const auto limit = static_cast<std::uint64_t>(std::numeric_limits<Integer>::max()) + (whole.negative ? 1 : 0);
    if ((whole.negative && !std::is_signed_v<Integer>) || whole.magnitude > limit) {
      return of_whole(field, whole, fault);
    }
    value = static_cast<Integer>(whole.negative ? 0 - whole.magnitude : whole.magnitude);
    return true;
  }

  bool get(const FieldPlan& field, double& value, Fault& fault) {
    if (type() != LUA_TNUMBER) return exact_double(field, value, fault);
    value = lua_tonumber(L_, at_);
    return true;
  }

  bool get(const FieldPlan& field, float& value, Fault& fault) {
    if (type() != LUA_TNUMBER) return of_type(L_, at_, field, fault);
    const double number = lua_tonumber(L_, at_);
    if (std::isfinite(number) && std::abs(number) > std::numeric_limits<float>::max()) {
      return of_number(field, number, fault);
    }
    value = static_cast<float>(number);
    return true;
  }

  bool get(const FieldPlan& field, bool& value, Fault& fault) {
    if (type() != LUA_TBOOLEAN) return of_type(L_, at_, field, fault);
    value = lua_toboolean(L_, at_) != 0;
    return true;
  }

  bool get(const FieldPlan& field, std::string_view& value, Fault& fault) {
    if (type() != LUA_TSTRING) return of_type(L_, at_, field, fault);
    std::size_t size = 0;
    const char* text = lua_tolstring(L_, at_, &size);
    value = {text, size};
    return true;
  }

  bool get_enum(const FieldPlan& field, std::int32_t& number, Fault& fault) {
    if (type() == LUA_TSTRING) return enum_by_name(*field.enumeration, number, fault);
    if (!get(field, number, fault)) return false;
    return !field.closed_enum || field.enumeration->find(number) != nullptr ||
           fault.fail(fmt::format("enum {} has no value {}", field.enumeration->name, number));
  }

  // ---- Well-known types ----

  bool is_message() { return type() == LUA_TTABLE; }

  bool get_seconds(const MessagePlan& plan, SecondsAndNanos& time, Fault& fault) {
    if (type() == LUA_TSTRING) return time_in_words(plan, time, fault);
    if (type() != LUA_TNUMBER) return of_seconds(L_, at_, plan, fault);
    const auto read = split_seconds(lua_tonumber(L_, at_), plan.form);
    if (!read) return of_seconds(L_, at_, plan, fault);
    time = *read;
    return true;
  }

  bool member_of_value(const MessagePlan& plan, std::uint32_t& member, Fault& fault);

  bool any_type(std::string_view& type_url, bool& given, Fault& fault);

 private:
  struct Level {
    const MessagePlan* plan;
    int table;            // stack slot
    int base;             // ... below the results of `take`: the number of keys, the values
    bool raw;             // has a metatable
    std::uint32_t group;  // whose values those are
    std::size_t keys;
  };

  void take(std::uint32_t group) {
    TableAccess::push_take(L_, array_, *level_->plan, group, level_->raw);
    lua_pushvalue(L_, level_->table);
    const std::size_t left = level_->plan->fields.size() - group * TableAccess::kGroup;
    lua_call(L_, 1, 1 + static_cast<int>(std::min<std::size_t>(left, TableAccess::kGroup)));
    level_->group = group;
  }

  void to_top() {
    at_ = lua_gettop(L_);
    type_ = LUA_TNONE;
  }

  /// Of the value at hand, asked for once.
  int type() {
    if (type_ == LUA_TNONE) type_ = lua_type(L_, at_);
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
    if (type() == kTypeCdata) return read_integer(L_, at_, whole);
    return field.map_key && type() == LUA_TSTRING && read_digits(to_view(L_, at_), whole);
  }

  bool exact_double(const FieldPlan& field, double& value, Fault& fault);
  /// "250ms", as everywhere in a plan.
  bool time_in_words(const MessagePlan& plan, SecondsAndNanos& time, Fault& fault);
  bool enum_by_name(const EnumPlan& plan, std::int32_t& number, Fault& fault) {
    const std::string_view name = to_view(L_, at_);
    const EnumPlan::Value* value = plan.find(name);
    if (value == nullptr) return of_enum_name(name, plan, fault);
    number = value->number;
    return true;
  }

  bool is_table(Fault& fault) {
    if (type() != LUA_TTABLE) return fault.fail("table expected, got " + describe(L_, at_));
    return lua_checkstack(L_, kSlots) != 0 || fault.fail("nested too deep for Lua's stack");
  }

  bool has_metatable(int table) {
    if (lua_getmetatable(L_, table) == 0) return false;
    lua_pop(L_, 1);
    return true;
  }
  bool has_index(int table);

  static constexpr int kSlots = TableAccess::kGroup + 16;  // of the Lua stack that one level of nesting may take

  lua_State* L_;
  int array_;             // stack slot of TableAccess' array
  int at_;                // ... of the value at hand
  int type_ = LUA_TNONE;  // of the value at hand, where it is known
  Level levels_[kMaxNesting + 3];
  Level* level_ = levels_;  // the message on top; the first is none
};
static_assert(NativeSource<TableSource>);

}  // namespace lgen::lua
