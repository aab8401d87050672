#include "lgen/message_plan.h"

#include <algorithm>
#include <iterator>

namespace lgen {
namespace {

constexpr std::string_view kKindNames[] = {"double", "float",  "int32",   "int64",   "uint32",   "uint64",
                                           "sint32", "sint64", "fixed32", "fixed64", "sfixed32", "sfixed64",
                                           "bool",   "string", "bytes",   "enum",    "message",  "group"};

std::string element_name(const FieldPlan& field) {
  if (field.is_message()) return field.message->name;
  if (field.kind == FieldKind::enumeration) return field.enumeration->name;
  return std::string(to_string(field.kind));
}

}  // namespace

std::string_view to_string(FieldKind kind) { return kKindNames[static_cast<std::size_t>(kind)]; }

const EnumPlan::Value* EnumPlan::find(std::string_view value_name) const {
  const auto at =
      std::lower_bound(order_by_name.begin(), order_by_name.end(), value_name,
                       [this](std::uint32_t i, std::string_view wanted) { return values[i].name < wanted; });
  return at != order_by_name.end() && values[*at].name == value_name ? &values[*at] : nullptr;
}

const EnumPlan::Value* EnumPlan::find(std::int32_t number) const {
  // Most enums count from zero.
  const auto guess = static_cast<std::uint32_t>(number);
  if (guess < values.size() && values[guess].number == number && order_by_number.size() == values.size()) {
    return &values[guess];
  }
  const auto at = std::lower_bound(order_by_number.begin(), order_by_number.end(), number,
                                   [this](std::uint32_t i, std::int32_t wanted) { return values[i].number < wanted; });
  return at != order_by_number.end() && values[*at].number == number ? &values[*at] : nullptr;
}

std::string FieldPlan::type_name() const {
  switch (shape) {
    case FieldShape::list:
      return "list of " + element_name(*this);
    case FieldShape::map:
      return "map of " + message->fields[0].type_name() + " to " + message->fields[1].type_name();
    default:
      return element_name(*this);
  }
}

const FieldPlan* MessagePlan::find(std::string_view field_name) const {
  const auto at = std::find_if(fields.begin(), fields.end(), [&](const FieldPlan& f) { return f.name == field_name; });
  return at == fields.end() ? nullptr : &*at;
}

std::vector<std::string_view> MessagePlan::field_names() const {
  std::vector<std::string_view> names;
  for (const FieldPlan& field : fields) names.push_back(field.name);
  return names;
}

std::uint32_t MessagePlan::find_far(std::uint32_t number) const {
  const auto at = std::lower_bound(far_fields.begin(), far_fields.end(), number,
                                   [this](std::uint32_t i, std::uint32_t wanted) { return fields[i].number < wanted; });
  return at != far_fields.end() && fields[*at].number == number ? *at : kNoField;
}

}  // namespace lgen
