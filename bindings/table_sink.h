// A Lua table as sink of the engine's codec.
//
// The values of a message are gathered on the Lua stack in the order of its fields, and a generated function makes the
// table of them (table_access.h). Fields come in that order nearly always; one that comes late replaces the default put
// in its place. Very wide or deeply nested messages, and those continued after they were ended, are tables from the
// start, into which every field is stored by its name.
//
// Thread: the loop's. Lifetime: of one message being read.
#pragma once

#include <algorithm>
#include <charconv>
#include <string_view>

#include "json_values.h"
#include "lgen/codec.h"
#include "stack.h"
#include "table_access.h"
#include "wide_integer.h"

namespace lgen::lua {

class TableSink {
 public:
  static constexpr std::size_t kFirstIndex = 1;

  /// `array`: TableAccess::push; the message is left above it.
  TableSink(lua_State* L, TableAccess& access, int array) : L_(L), access_(access), array_(array) {}

  void begin_message(const MessagePlan& plan) {
    const auto size = static_cast<int>(plan.fields.size());
    ++level_;
    level_->plan = &plan;
    level_->next = 0;
    if (size <= static_cast<int>(TableAccess::kMost) && level_ - levels_ <= kDeepest) {
      luaL_checkstack(L_, size + kSlots, kTooDeep);
      TableAccess::push_make(L_, array_, plan);
      level_->base = lua_gettop(L_);
    } else {
      luaL_checkstack(L_, kSlots, kTooDeep);
      level_->base = kTable;
      const std::size_t optional = plan.fields.size() - plan.always_filled;
      lua_createtable(L_, 0, static_cast<int>(plan.always_filled + std::min<std::size_t>(optional, 8)));
    }
  }
  void end_message(const MessagePlan& plan) {
    if (level_->base != kTable) {
      const auto size = static_cast<std::uint32_t>(plan.fields.size());
      fill(size);
      lua_call(L_, static_cast<int>(size), 1);
    }
    --level_;
  }
  bool wants_defaults() { return level_->base == kTable; }

  bool resume_message(const FieldPlan& field, std::uint32_t index) {
    if (!push_stored(index)) return false;
    reopen_message(*field.message);
    return true;
  }
  void reopen_message(const MessagePlan& plan) {
    luaL_checkstack(L_, kSlots, kTooDeep);
    ++level_;
    level_->plan = &plan;
    level_->base = kTable;
  }

  void begin_field(const FieldPlan& field, std::uint32_t index) {
    if (level_->base == kTable) {
      push_name(field.key);
    } else if (level_->next < index) {
      fill(index);
    }
  }
  void end_field(const FieldPlan&, std::uint32_t index) {
    if (level_->base == kTable) {
      lua_rawset(L_, -3);
    } else if (level_->next == index) {
      ++level_->next;
    } else {
      lua_replace(L_, slot_of(index));
    }
  }
  void clear_field(const FieldPlan& field, std::uint32_t index) {
    if (level_->base == kTable) {
      push_name(field.key);
      lua_pushnil(L_);
      lua_rawset(L_, -3);
    } else if (index < level_->next) {
      lua_pushnil(L_);
      lua_replace(L_, slot_of(index));
    }
  }

  void begin_list(const FieldPlan& field, std::uint32_t index, bool is_new) {
    begin_field(field, index);
    if (is_new || !push_stored(index)) lua_newtable(L_);
  }
  std::size_t list_size() { return lua_objlen(L_, -1); }
  void end_item(std::size_t i) { lua_rawseti(L_, -2, static_cast<int>(i + 1)); }
  void end_list(const FieldPlan& field, std::uint32_t index) { end_field(field, index); }

  void begin_map(const FieldPlan& field, std::uint32_t index, bool is_new) { begin_list(field, index, is_new); }
  void end_entry() { lua_rawset(L_, -3); }
  void end_map(const FieldPlan& field, std::uint32_t index) { end_field(field, index); }

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
    put_wide(field, value);
  }
  void put(const FieldPlan& field, std::uint64_t value) {
    if (value <= static_cast<std::uint64_t>(kExact)) return lua_pushnumber(L_, static_cast<double>(value));
    put_wide(field, value);
  }
  void put_enum(const FieldPlan& field, std::int32_t number) {
    if (const EnumPlan::Value* value = field.enumeration->find(number)) return push_name(value->key);
    lua_pushnumber(L_, number);
  }

  // ---- Well-known types ----

  void restart() {
    lua_settop(L_, array_);
    level_ = levels_;
  }
  void prepare(const MessagePlan& plan) { access_.also(L_, plan); }
  void put_seconds(const SecondsAndNanos& time) { lua_pushnumber(L_, as_number(time)); }
  void put_null() { push_null(L_); }
  void put_array() {
    luaL_checkstack(L_, kSlots, kTooDeep);
    lua_newtable(L_);
    mark_array(L_);
  }
  void drop() { lua_pop(L_, 1); }
  void end_any(std::string_view type_url) {
    lua_pushliteral(L_, "@type");
    push(L_, type_url);
    lua_rawset(L_, -3);
  }
  void begin_any(std::string_view type_url) {
    luaL_checkstack(L_, kSlots, kTooDeep);
    lua_createtable(L_, 0, 2);
    if (!type_url.empty()) end_any(type_url);
  }
  void end_any_value() {
    lua_pushliteral(L_, "value");
    lua_insert(L_, -2);
    lua_rawset(L_, -3);
  }

 private:
  struct Level {
    const MessagePlan* plan;
    int base;            // stack slot of the function that makes the table, below the values; kTable: it is there
    std::uint32_t next;  // fields below this one have their value on the stack
  };

  static constexpr int kTable = 0;
  static constexpr int kDeepest = 8;  // messages that gather values at a time: they take much of Lua's stack
  static constexpr int kSlots = 12;   // of the Lua stack that one level of nesting may take besides
  static constexpr const char* kTooDeep = "message nested too deep for Lua's stack";

  int slot_of(std::uint32_t index) const { return level_->base + 1 + static_cast<int>(index); }

  /// Values for the fields before `index` that were not on the wire (so far).
  void fill(std::uint32_t index) {
    for (; level_->next < index; ++level_->next) {
      const FieldPlan& field = level_->plan->fields[level_->next];
      field.presence ? lua_pushnil(L_) : put_default(*this, field);
    }
  }

  /// Pushes what the field holds; in a table its name is at the top. False: nothing, and pushes nothing.
  bool push_stored(std::uint32_t index) {
    if (level_->base == kTable) {
      lua_pushvalue(L_, -1);
      lua_rawget(L_, -3);
    } else if (index < level_->next) {
      lua_pushvalue(L_, slot_of(index));
    } else {
      return false;
    }
    if (!lua_isnil(L_, -1)) return true;
    lua_pop(L_, 1);
    return false;
  }

  // cdata are compared by identity as keys of a table, so nothing could be looked up by them: keys become digits.
  template <class Integer>
  void put_wide(const FieldPlan& field, Integer value) {
    if (!field.map_key) return push_integer(L_, value);
    char digits[24];
    push(L_, {digits, std::to_chars(digits, digits + sizeof digits, value).ptr});
  }

  void push_name(std::uint32_t key) { TableAccess::push_name(L_, array_, key); }

  lua_State* L_;
  TableAccess& access_;
  int array_;  // stack slot
  Level levels_[kMaxNesting + 3];
  Level* level_ = levels_;  // the message on top; the first is none
};
static_assert(NativeSink<TableSink>);

}  // namespace lgen::lua
