#include "sample_message.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace lgen::cli {
namespace {

constexpr std::size_t kShownValues = 8;  // of an enum

std::string scalar(const FieldPlan& field) {
  switch (field.kind) {
    case FieldKind::string:
      return "\"text\"";
    case FieldKind::bytes:
      return "\"\"";
    case FieldKind::boolean:
      return "false";
    case FieldKind::enumeration:
      return lua_string(field.enumeration->values.front().name);
    default:
      return "0";
  }
}

std::string enum_values(const EnumPlan& plan) {
  std::string out;
  for (std::size_t i = 0; i < std::min(plan.values.size(), kShownValues); ++i) {
    out += (i > 0 ? ", " : "") + plan.values[i].name;
  }
  return plan.values.size() > kShownValues ? out + ", ..." : out;
}

class Sample {
 public:
  explicit Sample(std::vector<std::string>& left_out) : left_out_(left_out) {}

  /// A well-known type by its meaning, any other by its fields.
  LuaValue formed(const MessagePlan& plan) {
    switch (plan.form) {
      case MessageForm::bare:
        return is_struct(plan) ? LuaValue{.is_table = true} : value(plan.fields[0]);
      case MessageForm::timestamp:
      case MessageForm::duration:
        return {"0"};
      case MessageForm::value:
        return {"\"text\""};
      default:
        return message(plan);
    }
  }

  LuaValue message(const MessagePlan& plan) {
    LuaValue table{.is_table = true};
    path_.push_back(&plan);
    for (const FieldPlan& field : plan.fields) {
      const bool extension = field.name.starts_with('[');
      if (extension || !is_first_of_oneof(plan, field)) continue;
      names_.push_back(field.name);
      if (comes_round(field) || holds_any(field)) {
        left_out_.push_back(fmt::format("{} ({})", fmt::join(names_, "."), field.type_name()));
      } else {
        table.entries.push_back({lua_key(field.name), value(field), comment(plan, field)});
      }
      names_.pop_back();
    }
    path_.pop_back();
    return table;
  }

 private:
  static bool is_struct(const MessagePlan& plan) { return plan.name == "google.protobuf.Struct"; }

  static const FieldPlan& element(const FieldPlan& field) {
    return field.shape == FieldShape::map ? field.message->fields[1] : field;
  }

  bool comes_round(const FieldPlan& field) const {
    const FieldPlan& inner = element(field);
    return inner.is_message() && std::find(path_.begin(), path_.end(), inner.message) != path_.end();
  }

  /// What could stand in an Any only the author knows.
  bool holds_any(const FieldPlan& field) const {
    const FieldPlan& inner = element(field);
    return inner.is_message() && inner.message->form == MessageForm::any;
  }

  static bool is_first_of_oneof(const MessagePlan& plan, const FieldPlan& field) {
    if (field.oneof < 0) return true;
    return &plan.fields[plan.oneofs[static_cast<std::size_t>(field.oneof)].first] == &field;
  }

  LuaValue value(const FieldPlan& field) {
    const FieldPlan& inner = element(field);
    LuaValue one = inner.is_message() ? formed(*inner.message) : LuaValue{scalar(inner)};
    if (field.shape == FieldShape::single) return one;
    LuaValue table{.is_table = true};
    table.entries.push_back({field.shape == FieldShape::map ? map_key(field.message->fields[0]) : "", std::move(one)});
    return table;
  }

  static std::string map_key(const FieldPlan& key) {
    return key.kind == FieldKind::string ? "key" : fmt::format("[{}]", scalar(key));
  }

  static bool is_time(const MessagePlan& plan) {
    return plan.form == MessageForm::timestamp || plan.form == MessageForm::duration;
  }

  static std::string comment(const MessagePlan& plan, const FieldPlan& field) {
    std::string text = field.type_name();
    const FieldPlan& inner = element(field);
    if (inner.is_message() && is_time(*inner.message)) text += ", in seconds";
    if (field.kind == FieldKind::enumeration) text += ": " + enum_values(*field.enumeration);
    if (field.required) text += ", required";
    if (field.oneof < 0) return text;
    const OneofPlan& oneof = plan.oneofs[static_cast<std::size_t>(field.oneof)];
    for (std::uint32_t i = 1; i < oneof.count; ++i) {
      const FieldPlan& other = plan.fields[oneof.first + i];
      text += fmt::format("{} {} ({})", i == 1 ? "; or instead:" : ",", other.name, other.type_name());
    }
    return text;
  }

  std::vector<std::string>& left_out_;
  std::vector<const MessagePlan*> path_;
  std::vector<std::string> names_;  // of the fields that led here
};

}  // namespace

LuaValue sample_of(const MessagePlan& plan, std::vector<std::string>& left_out) {
  return Sample(left_out).formed(plan);
}

}  // namespace lgen::cli
