// Schema::describe: finds what a name means, in whatever way it is written, and has it printed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "lgen/units.h"
#include "proto_text.h"
#include "schema_impl.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Names = std::vector<std::string>;

template <class Descriptor>
std::string text_of(const pb::DescriptorPool& pool, std::string_view name, std::string_view kind,
                    const Descriptor* element) {
  ProtoText text(pool);
  text.add(element);
  return fmt::format("{} is {}:\n{}", name, kind, text.text());
}

/// The field whose type the message is, where the text has no `message` of that name: entries of maps, and groups.
const pb::FieldDescriptor* field_that_declares(const pb::Descriptor* type) {
  const pb::Descriptor* parent = type->containing_type();
  for (int i = 0; parent != nullptr && i < parent->field_count(); ++i) {
    const pb::FieldDescriptor* field = parent->field(i);
    const bool declares = field->is_map() || field->type() == pb::FieldDescriptor::TYPE_GROUP;
    if (declares && field->message_type() == type) return field;
  }
  return nullptr;
}

std::string describe_message(const pb::DescriptorPool& pool, const pb::Descriptor* type) {
  const pb::FieldDescriptor* field = field_that_declares(type);
  if (field == nullptr) return text_of(pool, type->full_name(), "a message", type);
  return text_of(pool, type->full_name(),
                 field->is_map() ? "the entry type for a map field" : "the type of a group field", field);
}

std::string describe_field(const pb::DescriptorPool& pool, const pb::FieldDescriptor* field) {
  const bool group = field->type() == pb::FieldDescriptor::TYPE_GROUP;
  if (!field->is_extension()) {
    return text_of(pool, field->full_name(), group ? "a group field" : "a field", field);
  }
  ProtoText text(pool);
  text.add_extension(field);
  return fmt::format("{} is an extension:\n{}", field->full_name(), text.text());
}

/// A value is known as pkg.Enum.VALUE and, as protobuf's own scopes have it, as pkg.VALUE.
const pb::EnumValueDescriptor* find_value(const pb::DescriptorPool& pool, const std::string& name) {
  if (const auto* value = pool.FindEnumValueByName(name)) return value;
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return nullptr;
  const pb::EnumDescriptor* type = pool.FindEnumTypeByName(name.substr(0, dot));
  return type == nullptr ? nullptr : type->FindValueByName(name.substr(dot + 1));
}

std::optional<std::string> describe_known(const pb::DescriptorPool& pool, const std::string& name) {
  if (const auto* service = pool.FindServiceByName(name)) return text_of(pool, name, "a service", service);
  if (const auto* method = pool.FindMethodByName(name)) return text_of(pool, name, "a method", method);
  if (const auto* message = pool.FindMessageTypeByName(name)) return describe_message(pool, message);
  if (const auto* type = pool.FindEnumTypeByName(name)) return text_of(pool, name, "an enum", type);
  if (const auto* field = pool.FindFieldByName(name)) return describe_field(pool, field);
  if (const auto* extension = pool.FindExtensionByName(name)) return describe_field(pool, extension);
  if (const auto* oneof = pool.FindOneofByName(name)) return text_of(pool, name, "a one-of", oneof);
  if (const auto* value = find_value(pool, name)) {
    return text_of(pool, fmt::format("{}.{}", value->type()->full_name(), value->name()), "an enum value", value);
  }
  return std::nullopt;
}

// ---- what there is instead ----

constexpr std::size_t kShownMembers = 12;

Error no_member(std::string_view kind, const std::string& parent, std::string_view what, const std::string& name,
                const Names& known) {
  const std::string_view hint = did_you_mean(name, known);
  std::string help = fmt::format("did you mean '{}'?", hint);
  if (hint.empty()) {
    const auto end = known.begin() + static_cast<std::ptrdiff_t>(std::min(known.size(), kShownMembers));
    help = known.empty() ? "it has none" : fmt::format("it has: {}", fmt::join(known.begin(), end, ", "));
    if (known.size() > kShownMembers) help += fmt::format(" and {} more", known.size() - kShownMembers);
  }
  return make_error(ErrorCode::not_found, fmt::format("{} {} has no {} '{}' ({})", kind, parent, what, name, help));
}

std::optional<Error> unknown_member(const pb::DescriptorPool& pool, const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return std::nullopt;
  const std::string parent = name.substr(0, dot), member = name.substr(dot + 1);
  Names known;
  if (const auto* message = pool.FindMessageTypeByName(parent)) {
    for (int i = 0; i < message->field_count(); ++i) known.push_back(message->field(i)->name());
    return no_member("message", parent, "field", member, known);
  }
  if (const auto* type = pool.FindEnumTypeByName(parent)) {
    for (int i = 0; i < type->value_count(); ++i) known.push_back(type->value(i)->name());
    return no_member("enum", parent, "value", member, known);
  }
  return std::nullopt;
}

Error unknown_symbol(const Schema::Impl& schema, const std::string& name) {
  const std::size_t dot = name.rfind('.');
  const bool is_member = dot != std::string::npos && schema.pool().FindServiceByName(name.substr(0, dot)) != nullptr;
  if (is_member) return schema.find_method(name).error();
  if (const auto error = unknown_member(schema.pool(), name)) return *error;
  if (schema.undescribed().contains(name)) return schema.find_service(name).error();
  Names known = schema.services();
  for (const Names& more : {schema.messages(), schema.enums()}) known.insert(known.end(), more.begin(), more.end());
  return schema.unknown("service, type or other symbol", name, known);
}

}  // namespace

Result<std::string> Schema::describe(std::string_view symbol) const {
  std::string name(symbol.substr(symbol.starts_with('.') || symbol.starts_with('/') ? 1 : 0));
  std::replace(name.begin(), name.end(), '/', '.');
  if (name.empty()) return make_error(ErrorCode::invalid_argument, "the name is empty; write \"package.Service\"");
  if (auto text = describe_known(impl_->pool(), name)) return *std::move(text);
  return unknown_symbol(*impl_, name);
}

}  // namespace lgen
