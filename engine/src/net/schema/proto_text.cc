#include "proto_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/stubs/strutil.h>
#include <google/protobuf/text_format.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Words = std::vector<std::string>;

std::string quoted(const std::string& text) { return fmt::format("\"{}\"", pb::CEscape(text)); }

/// The name a field has in JSON when its author asks for no other.
std::string usual_json_name(const std::string& name) {
  std::string json;
  bool upper = false;
  for (const char c : name) {
    if (c != '_') json += upper && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    upper = c == '_';
  }
  return json;
}

std::string type_of(const pb::FieldDescriptor* field) {
  if (field->is_map()) {
    const pb::Descriptor* entry = field->message_type();
    return fmt::format("map<{}, {}>", type_of(entry->map_key()), type_of(entry->map_value()));
  }
  if (field->type() == pb::FieldDescriptor::TYPE_GROUP) return "group";
  if (field->message_type() != nullptr) return "." + field->message_type()->full_name();
  if (field->enum_type() != nullptr) return "." + field->enum_type()->full_name();
  return field->type_name();
}

std::string_view label_of(const pb::FieldDescriptor* field) {
  if (field->is_map()) return "";
  if (field->is_repeated()) return "repeated ";
  if (field->is_required()) return "required ";
  return field->has_optional_keyword() ? "optional " : "";
}

std::string default_of(const pb::FieldDescriptor* field) {
  pb::FieldDescriptorProto proto;
  field->CopyTo(&proto);
  if (field->type() == pb::FieldDescriptor::TYPE_STRING) return quoted(proto.default_value());
  if (field->type() == pb::FieldDescriptor::TYPE_BYTES) return fmt::format("\"{}\"", proto.default_value());
  return proto.default_value();
}

using Ranges = std::vector<std::pair<int, int>>;  // both ends belong to it

/// "5, 7 to 10, 1000 to max".
std::string words_of(Ranges ranges, int max) {
  std::sort(ranges.begin(), ranges.end());
  Words words;
  for (const auto& [first, last] : ranges) {
    words.push_back(first == last ? std::to_string(first)
                    : last >= max ? fmt::format("{} to max", first)
                                  : fmt::format("{} to {}", first, last));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

bool is_group_type(const pb::Descriptor* type) {
  const pb::Descriptor* parent = type->containing_type();
  for (int i = 0; parent != nullptr && i < parent->field_count(); ++i) {
    const pb::FieldDescriptor* field = parent->field(i);
    if (field->type() == pb::FieldDescriptor::TYPE_GROUP && field->message_type() == type) return true;
  }
  return false;
}

template <class Descriptor, class Less>
std::vector<const Descriptor*> collect(int count, const std::function<const Descriptor*(int)>& at, Less less) {
  std::vector<const Descriptor*> elements;
  for (int i = 0; i < count; ++i) elements.push_back(at(i));
  std::stable_sort(elements.begin(), elements.end(), less);
  return elements;
}

constexpr auto by_name = [](const auto* a, const auto* b) { return a->name() < b->name(); };
constexpr auto by_number = [](const auto* a, const auto* b) { return a->number() < b->number(); };

std::string setting(const pb::Message& message, const pb::FieldDescriptor* field, int index) {
  std::string value;
  pb::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  printer.PrintFieldValueToString(message, field, index, &value);
  if (field->cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) value = fmt::format("{{ {} }}", value);
  return fmt::format("{} = {}", field->is_extension() ? "(." + field->full_name() + ")" : field->name(), value);
}

template <class Type>
Words reserved_names(const Type* type) {
  Words names;
  for (int i = 0; i < type->reserved_name_count(); ++i) names.push_back(quoted(type->reserved_name(i)));
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

// ---- lines ----

void ProtoText::line(std::string_view words) {
  text_.append(static_cast<std::size_t>(depth_) * 2, ' ');
  text_ += words;
  text_ += '\n';
}

void ProtoText::open(std::string_view words) {
  line(fmt::format("{} {{", words));
  ++depth_;
}

void ProtoText::close() {
  --depth_;
  line("}");
}

template <class Descriptor>
void ProtoText::comments(const Descriptor* element) {
  pb::SourceLocation place;
  if (!element->GetSourceLocation(&place)) return;
  std::string_view rest = place.leading_comments;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    line(fmt::format("//{}", rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

// ---- options ----

/// "name = value" of every option that is set. Options of a schema's own making are unknown to the generated classes:
/// the pool reads them, if it knows them.
Words ProtoText::settings(const pb::Message& options) const {
  pb::DynamicMessageFactory factory;
  const pb::Descriptor* type = pool_.FindMessageTypeByName(options.GetDescriptor()->full_name());
  std::unique_ptr<pb::Message> own(type != nullptr ? factory.GetPrototype(type)->New() : options.New());
  own->ParsePartialFromString(options.SerializePartialAsString());
  std::vector<const pb::FieldDescriptor*> fields;
  own->GetReflection()->ListFields(*own, &fields);
  Words words;
  for (const pb::FieldDescriptor* field : fields) {
    const int count = field->is_repeated() ? own->GetReflection()->FieldSize(*own, field) : 1;
    for (int i = 0; i < count; ++i) words.push_back(setting(*own, field, field->is_repeated() ? i : -1));
  }
  return words;
}

void ProtoText::options(const pb::Message& options) {
  for (const std::string& words : settings(options)) line(fmt::format("option {};", words));
}

std::string ProtoText::bracketed(Words words, const pb::Message& options) const {
  for (std::string& more : settings(options)) words.push_back(std::move(more));
  return words.empty() ? "" : fmt::format(" [{}]", fmt::join(words, ", "));
}

// ---- elements ----

void ProtoText::add(const pb::ServiceDescriptor* service) {
  comments(service);
  open("service " + service->name());
  options(service->options());
  for (const auto* method : collect<pb::MethodDescriptor>(
           service->method_count(), [&](int i) { return service->method(i); }, by_name)) {
    add(method);
  }
  close();
}

void ProtoText::add(const pb::MethodDescriptor* method) {
  comments(method);
  const auto side = [](bool streams, const pb::Descriptor* type) {
    return fmt::format("( {}.{} )", streams ? "stream " : "", type->full_name());
  };
  const std::string words =
      fmt::format("rpc {} {} returns {}", method->name(), side(method->client_streaming(), method->input_type()),
                  side(method->server_streaming(), method->output_type()));
  if (settings(method->options()).empty()) return line(words + ";");
  open(words);
  options(method->options());
  close();
}

void ProtoText::add(const pb::Descriptor* message) {
  comments(message);
  open("message " + message->name());
  body(message);
  close();
}

void ProtoText::add(const pb::FieldDescriptor* field) {
  comments(field);
  const bool group = field->type() == pb::FieldDescriptor::TYPE_GROUP;
  Words first;
  if (field->has_default_value()) first.push_back("default = " + default_of(field));
  if (!field->is_extension() && field->json_name() != usual_json_name(field->name())) {
    first.push_back("json_name = " + quoted(field->json_name()));
  }
  const std::string words = fmt::format("{}{} {} = {}{}", label_of(field), type_of(field),
                                        group ? field->message_type()->name() : field->name(), field->number(),
                                        bracketed(std::move(first), field->options()));
  if (!group) return line(words + ";");
  open(words);
  body(field->message_type());
  close();
}

void ProtoText::add(const pb::OneofDescriptor* oneof) {
  comments(oneof);
  open("oneof " + oneof->name());
  options(oneof->options());
  for (const auto* field : collect<pb::FieldDescriptor>(
           oneof->field_count(), [&](int i) { return oneof->field(i); }, by_number)) {
    add(field);
  }
  close();
}

void ProtoText::add(const pb::EnumDescriptor* type) {
  comments(type);
  open("enum " + type->name());
  options(type->options());
  for (int i = 0; i < type->value_count(); ++i) add(type->value(i));
  Ranges taken;
  for (int i = 0; i < type->reserved_range_count(); ++i) {
    taken.emplace_back(type->reserved_range(i)->start, type->reserved_range(i)->end);
  }
  if (!taken.empty()) line(fmt::format("reserved {};", words_of(taken, std::numeric_limits<int>::max())));
  if (const Words names = reserved_names(type); !names.empty())
    line(fmt::format("reserved {};", fmt::join(names, ", ")));
  close();
}

void ProtoText::add(const pb::EnumValueDescriptor* value) {
  comments(value);
  line(fmt::format("{} = {}{};", value->name(), value->number(), bracketed({}, value->options())));
}

void ProtoText::add_extension(const pb::FieldDescriptor* extension) {
  open("extend ." + extension->containing_type()->full_name());
  add(extension);
  close();
}

// ---- what is inside a message ----

void ProtoText::body(const pb::Descriptor* message) {
  options(message->options());
  fields(message);
  nested(message);
  ranges(message);
}

/// By number; a oneof stands where its first field would.
void ProtoText::fields(const pb::Descriptor* message) {
  std::vector<const pb::OneofDescriptor*> seen;
  for (const auto* field : collect<pb::FieldDescriptor>(
           message->field_count(), [&](int i) { return message->field(i); }, by_number)) {
    const pb::OneofDescriptor* oneof = field->real_containing_oneof();
    if (oneof == nullptr) {
      add(field);
    } else if (std::find(seen.begin(), seen.end(), oneof) == seen.end()) {
      seen.push_back(oneof);
      add(oneof);
    }
  }
}

void ProtoText::nested(const pb::Descriptor* message) {
  for (const auto* type : collect<pb::Descriptor>(
           message->nested_type_count(), [&](int i) { return message->nested_type(i); }, by_name)) {
    if (!type->options().map_entry() && !is_group_type(type)) add(type);
  }
  for (const auto* type : collect<pb::EnumDescriptor>(
           message->enum_type_count(), [&](int i) { return message->enum_type(i); }, by_name)) {
    add(type);
  }
}

void ProtoText::ranges(const pb::Descriptor* message) {
  constexpr int kMax = pb::FieldDescriptor::kMaxNumber;
  Ranges open_for, taken;
  for (int i = 0; i < message->extension_range_count(); ++i) {
    open_for.emplace_back(message->extension_range(i)->start, message->extension_range(i)->end - 1);
  }
  for (int i = 0; i < message->reserved_range_count(); ++i) {
    taken.emplace_back(message->reserved_range(i)->start, message->reserved_range(i)->end - 1);
  }
  if (!open_for.empty()) line(fmt::format("extensions {};", words_of(open_for, kMax)));
  for (int i = 0; i < message->extension_count(); ++i) add_extension(message->extension(i));
  if (!taken.empty()) line(fmt::format("reserved {};", words_of(taken, kMax)));
  if (const Words names = reserved_names(message); !names.empty()) {
    line(fmt::format("reserved {};", fmt::join(names, ", ")));
  }
}

}  // namespace lgen
