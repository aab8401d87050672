#include "table_source.h"

#include <fmt/ranges.h>

#include <charconv>
#include <string>
#include <vector>

#include "lgen/units.h"

namespace lgen::lua {
namespace {

std::string hint(std::string_view name, const std::vector<std::string_view>& known) {
  if (const std::string_view near = did_you_mean(name, known); !near.empty()) {
    return fmt::format("(did you mean '{}'?)", near);
  }
  constexpr std::size_t kShown = 12;
  const bool cut = known.size() > kShown;
  return fmt::format("(there are: {}{})", fmt::join(known.begin(), cut ? known.begin() + kShown : known.end(), ", "),
                     cut ? ", ..." : "");
}

std::string element_type(const FieldPlan& field) {
  return field.kind == FieldKind::enumeration ? "enum " + field.enumeration->name : std::string(to_string(field.kind));
}

}  // namespace

bool TableComplaints::read_digits(std::string_view text, Whole& value) {
  value.negative = text.starts_with('-');
  text.remove_prefix(value.negative ? 1 : 0);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value.magnitude);
  return error == std::errc{} && end == text.data() + text.size() && !text.starts_with('0') &&
         value.magnitude > static_cast<std::uint64_t>(kExact);
}

// Names that are found belong to the plan; the table has more keys than that.
bool TableComplaints::of_keys(lua_State* L, int table, const MessagePlan& plan, Fault& fault) {
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      return fault.fail("the keys of a message are field names, got the key " + describe(L, -2));
    }
    const std::string_view name = to_view(L, -2);
    if (name == "@type" || plan.find(name) != nullptr) continue;
    if (plan.form == MessageForm::any) {
      return fault.fail(
          fmt::format("unknown field '{}': beside \"@type\" there is only value, for a well-known type or "
                      "the bytes of one that the schema does not have",
                      name));
    }
    return fault.fail(fmt::format("unknown field '{}' {}", name, hint(name, plan.field_names())));
  }
  return fault.fail("unknown field '@type' (only a google.protobuf.Any has it)");
}

bool TableComplaints::of_list(lua_State* L, int table, std::size_t size, Fault& fault) {
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    const double number = lua_type(L, -2) == LUA_TNUMBER ? lua_tonumber(L, -2) : 0;
    if (number >= 1 && number <= static_cast<double>(size) && number == std::trunc(number)) continue;
    if (number <= static_cast<double>(size)) {
      return fault.fail("list expected, got a table with the key " + describe(L, -2));
    }
    return fault.fail(fmt::format("the list has a hole: item {:.14g} is there, item {} is not", number, size + 1));
  }
  return fault.fail("nothing here: the list has a hole");
}

bool TableComplaints::of_enum_name(std::string_view name, const EnumPlan& plan, Fault& fault) {
  std::vector<std::string_view> names;
  for (const EnumPlan::Value& value : plan.values) names.push_back(value.name);
  return fault.fail(fmt::format("enum {} has no value '{}' {}", plan.name, name, hint(name, names)));
}

bool TableComplaints::of_number(const FieldPlan& field, double number, Fault& fault) {
  if (std::isnan(number)) return fault.fail(element_type(field) + " expected, got number nan");
  const bool wide = field.kind != FieldKind::float_ && std::abs(number) > kExact;
  const char* why = number != std::trunc(number)    ? ""
                    : wide && std::isfinite(number) ? ", which is out of range (beyond 2^53 write it with LL or ULL)"
                                                    : ", which is out of range";
  return fault.fail(fmt::format("{} expected, got number {:.17g}{}", element_type(field), number, why));
}

bool TableComplaints::of_whole(const FieldPlan& field, const Whole& whole, Fault& fault) {
  return fault.fail(fmt::format("{} expected, got {}{}, which is out of range", field.type_name(),
                                whole.negative ? "-" : "", whole.magnitude));
}

bool TableComplaints::of_type(lua_State* L, int index, const FieldPlan& field, Fault& fault) {
  return fault.fail(fmt::format("{} expected, got {}", element_type(field), describe(L, index)));
}

bool TableComplaints::of_seconds(lua_State* L, int index, const MessagePlan& plan, Fault& fault) {
  const std::string got =
      lua_type(L, index) == LUA_TNUMBER ? fmt::format("{:.17g}", lua_tonumber(L, index)) : describe(L, index);
  return fault.fail(fmt::format("{}{} expected, got {}", range_text(plan.form),
                                plan.form == MessageForm::duration ? " or a text such as \"250ms\""
                                                                   : " or a text such as \"2024-05-01T12:00:00Z\"",
                                got));
}

bool TableSource::time_in_words(const MessagePlan& plan, SecondsAndNanos& time, Fault& fault) {
  constexpr std::int64_t kBillion = 1'000'000'000;
  const bool is_duration = plan.form == MessageForm::duration;
  if (const auto read = is_duration ? read_duration(to_view(L_, at_)) : read_timestamp(to_view(L_, at_))) {
    time = *read;
    return true;
  }
  if (!is_duration) return of_seconds(L_, at_, plan, fault);
  const auto duration = parse_duration(to_view(L_, at_));
  if (!duration) return of_seconds(L_, at_, plan, fault);
  time.seconds = duration->count() / kBillion;
  time.nanos = static_cast<std::int32_t>(duration->count() % kBillion);
  return true;
}

bool TableSource::exact_double(const FieldPlan& field, double& value, Fault& fault) {
  Whole whole;
  if (type() != kTypeCdata || !read_integer(L_, at_, whole)) return of_type(L_, at_, field, fault);
  value = static_cast<double>(whole.magnitude);
  if (value >= 0x1p64 || static_cast<std::uint64_t>(value) != whole.magnitude) return of_whole(field, whole, fault);
  if (whole.negative) value = -value;
  return true;
}

bool TableSource::has_index(int table) {
  if (lua_getmetatable(L_, table) == 0) return false;
  lua_pushliteral(L_, "__index");
  lua_rawget(L_, -2);
  const bool there = !lua_isnil(L_, -1);
  lua_pop(L_, 2);
  return there;
}

// A table is a list when it is marked as one or has an item 1; list_size() then complains of other keys.
bool TableSource::member_of_value(const MessagePlan& plan, std::uint32_t& member, Fault& fault) {
  const int lua_type = type();
  std::uint32_t number = 0;  // of the field in google.protobuf.Value
  if (lua_type == LUA_TTABLE) {
    number = is_array(L_, at_) || lua_objlen(L_, at_) > 0 ? 6 : 5;
  } else if (lua_type == LUA_TNUMBER || lua_type == kTypeCdata) {
    number = 2;
  } else if (lua_type == LUA_TSTRING) {
    number = 3;
  } else if (lua_type == LUA_TBOOLEAN) {
    number = 4;
  } else if (is_null(L_, at_)) {
    number = 1;
  } else {
    return fault.fail("a value as JSON has it expected (lgen.null, boolean, number, string, list or map), got " +
                      describe(L_, at_));
  }
  member = plan.find_number(number);
  return true;
}

bool TableSource::any_type(std::string_view& type_url, bool& given, Fault& fault) {
  if (!is_table(fault)) return false;
  lua_pushliteral(L_, "@type");
  lua_rawget(L_, at_);
  const int type = lua_type(L_, -1);
  given = type != LUA_TNIL;
  if (given && type != LUA_TSTRING) return fault.fail("[\"@type\"]: string expected, got " + describe(L_, -1));
  if (!given) return lua_pop(L_, 1), true;
  type_url = to_view(L_, -1);  // the table keeps it alive
  lua_pop(L_, 1);
  if (type_url.empty()) return fault.fail("[\"@type\"]: a type such as \"type.googleapis.com/pkg.Type\" expected");
  return true;
}

}  // namespace lgen::lua
