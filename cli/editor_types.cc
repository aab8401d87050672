#include "editor_types.h"

#include <fmt/format.h>

#include "script_text.h"

namespace lgen::cli {
namespace {

constexpr std::string_view kHead =
    "---@meta\n"
    "-- Made by `lgen types` from a protobuf schema; it is made anew when the schema changes.\n"
    "-- A field with a question mark may be nil in what is received; what is sent may leave out any.\n";

std::string type_of(const FieldPlan& field);

/// A well-known type by its meaning, any other by its name.
std::string message_type(const MessagePlan& plan) {
  switch (plan.form) {
    case MessageForm::bare:
      return type_of(plan.fields[0]);
    case MessageForm::timestamp:
    case MessageForm::duration:
      return "number";
    case MessageForm::value:
      return "any";
    case MessageForm::any:
      return "table";
    default:
      return plan.name;
  }
}

std::string scalar_type(const FieldPlan& field) {
  switch (field.kind) {
    case FieldKind::double_:
    case FieldKind::float_:
      return "number";
    case FieldKind::boolean:
      return "boolean";
    case FieldKind::string:
    case FieldKind::bytes:
      return "string";
    case FieldKind::enumeration:
      return field.enumeration->name;
    case FieldKind::message:
    case FieldKind::group:
      return message_type(*field.message);
    default:
      return "integer";
  }
}

std::string type_of(const FieldPlan& field) {
  if (field.shape == FieldShape::map) {
    return fmt::format("table<{}, {}>", scalar_type(field.message->fields[0]), scalar_type(field.message->fields[1]));
  }
  return scalar_type(field) + (field.shape == FieldShape::list ? "[]" : "");
}

/// What the type alone does not say.
std::string remark(const MessagePlan& plan, const FieldPlan& field) {
  const std::string type = scalar_type(field);
  const bool narrower = type == "integer" || field.kind == FieldKind::float_ || field.kind == FieldKind::bytes;
  std::string text = narrower && !field.is_message() ? std::string(to_string(field.kind)) : "";
  if (field.shape == FieldShape::map || (field.is_message() && field.message->form != MessageForm::plain)) {
    text = field.type_name();
  }
  if (field.required) text += text.empty() ? "required" : ", required";
  if (field.oneof >= 0) {
    text +=
        fmt::format("{}oneof {}", text.empty() ? "" : ", ", plan.oneofs[static_cast<std::size_t>(field.oneof)].name);
  }
  return text.empty() ? "" : " " + text;
}

std::string class_of(const MessagePlan& plan) {
  std::string out = fmt::format("\n---@class {}\n", plan.name);
  for (const FieldPlan& field : plan.fields) {
    const bool may_be_nil = field.presence && field.shape == FieldShape::single && !field.required;
    const std::string name = is_lua_name(field.name) ? field.name : fmt::format("[{}]", lua_string(field.name));
    out += fmt::format("---@field {}{} {}{}\n", name, may_be_nil ? "?" : "", type_of(field), remark(plan, field));
  }
  return out;
}

std::string alias_of(const EnumPlan& plan) {
  std::string out = fmt::format("\n---@alias {}\n", plan.name);
  for (const EnumPlan::Value& value : plan.values) out += fmt::format("---| \"{}\" # {}\n", value.name, value.number);
  return out + "---| integer # its number, sent or unknown\n";
}

}  // namespace

Result<std::string> editor_types(Schema& schema) {
  std::string out(kHead);
  for (const std::string& name : schema.messages()) {
    const auto plan = schema.message(name);
    if (!plan) return plan.error();
    if ((*plan)->form == MessageForm::plain) out += class_of(**plan);
  }
  for (const std::string& name : schema.enums()) {
    const auto plan = schema.enumeration(name);
    if (!plan) return plan.error();
    out += alias_of(**plan);
  }
  return out;
}

}  // namespace lgen::cli
