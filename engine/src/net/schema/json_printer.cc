#include "json_printer.h"

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/stubs/strutil.h>
#include <google/protobuf/unknown_field_set.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <memory>
#include <utility>

#include "parse_message.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Known = pb::Descriptor::WellKnownType;

constexpr const char* kStringValue = "google.protobuf.StringValue";
constexpr const char* kNullValue = "google.protobuf.NullValue";

/// A schema may give the name of a well-known type to something else.
bool is_genuine(const pb::Descriptor& type) {
  const auto* own = pb::DescriptorPool::generated_pool()->FindMessageTypeByName(type.full_name());
  if (own == nullptr || own->field_count() != type.field_count()) return false;
  for (int i = 0; i < own->field_count(); ++i) {
    const pb::FieldDescriptor* field = type.FindFieldByNumber(own->field(i)->number());
    const bool same = field != nullptr && field->type() == own->field(i)->type() &&
                      field->label() == own->field(i)->label() && field->is_map() == own->field(i)->is_map();
    if (!same) return false;
  }
  return true;
}

/// Unspecified: it is printed as its fields.
Known notation_of(const pb::Descriptor& type) {
  const Known known = type.well_known_type();
  return known == pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED || is_genuine(type)
             ? known
             : pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED;
}

bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>'; });
}

std::string quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

std::string base64(const std::string& bytes) {
  std::string text;
  pb::Base64Escape(bytes, &text);
  return text;
}

template <class Number>
std::string floating(Number number, std::string (*print)(Number)) {
  if (std::isnan(number)) return "\"NaN\"";
  if (std::isinf(number)) return number > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  return print(number);
}

std::string enumerated(const pb::EnumDescriptor& type, int number) {
  if (type.full_name() == kNullValue) return "null";
  const pb::EnumValueDescriptor* value = type.FindValueByNumber(number);
  return value != nullptr ? quoted(value->name()) : std::to_string(number);
}

std::string key_of(const pb::FieldDescriptor& field) {
  return quoted(field.is_extension() ? fmt::format("[{}]", field.full_name()) : field.json_name());
}

}  // namespace

/// Braces or brackets, and lines in between.
class JsonPrinter::Block {
 public:
  Block(std::string& out, int depth, char open) : out_(out), depth_(depth), close_(open == '{' ? '}' : ']') {
    out_ += open;
  }
  /// Where the next one is to be written.
  std::string& next() {
    out_ += empty_ ? "\n" : ",\n";
    empty_ = false;
    out_.append(2 * static_cast<std::size_t>(depth_ + 1), ' ');
    return out_;
  }
  std::string& next(std::string_view key) { return next().append(key).append(": "); }
  void close() {
    if (!empty_) out_.append("\n").append(2 * static_cast<std::size_t>(depth_), ' ');
    out_ += close_;
  }

 private:
  std::string& out_;
  const int depth_;
  const char close_;
  bool empty_ = true;
};

std::string JsonPrinter::print(const Message& what) const {
  std::string out;
  message(what, 0, out);
  return out;
}

void JsonPrinter::message(const Message& what, int depth, std::string& out) const {
  if (in_own_notation(what, depth, out)) return;
  Block block(out, depth, '{');
  fields(what, depth, block);
  block.close();
}

/// False: it has none, or is out of its range.
bool JsonPrinter::in_own_notation(const Message& what, int depth, std::string& out) const {
  const pb::Descriptor& type = *what.GetDescriptor();
  switch (notation_of(type)) {
    case pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED:
      return false;
    case pb::Descriptor::WELLKNOWNTYPE_ANY:
      return any(what, depth, out), true;
    case pb::Descriptor::WELLKNOWNTYPE_STRUCT:
      return map(what, *type.field(0), depth, out), true;
    case pb::Descriptor::WELLKNOWNTYPE_LISTVALUE:
      return list(what, *type.field(0), depth, out), true;
    case pb::Descriptor::WELLKNOWNTYPE_VALUE:
      return any_kind(what, depth, out), true;
    case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
    case pb::Descriptor::WELLKNOWNTYPE_DURATION:
    case pb::Descriptor::WELLKNOWNTYPE_FIELDMASK: {
      const std::string text = by_library(type.full_name(), what.SerializePartialAsString());
      return out += text, !text.empty();
    }
    default:  // a wrapper
      return value(what, *type.field(0), -1, depth, out), true;
  }
}

/// A google.protobuf.Value.
void JsonPrinter::any_kind(const Message& what, int depth, std::string& out) const {
  std::vector<const Field*> kind;
  what.GetReflection()->ListFields(what, &kind);
  if (kind.empty()) {
    out += "null";
  } else {
    value(what, *kind.back(), -1, depth, out);
  }
}

void JsonPrinter::fields(const Message& what, int depth, Block& block) const {
  for (const Field* each : shown(what)) field(what, *each, depth + 1, block.next(key_of(*each)));
}

/// In the order of their numbers; with those that have their default, in the schema's.
std::vector<const JsonPrinter::Field*> JsonPrinter::shown(const Message& what) const {
  std::vector<const Field*> set;
  what.GetReflection()->ListFields(what, &set);
  if (!emit_defaults_) return set;
  std::vector<const Field*> all;
  const pb::Descriptor& type = *what.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const Field* each = type.field(i);
    const bool has_default =
        each->is_repeated() || (each->cpp_type() != Field::CPPTYPE_MESSAGE && each->containing_oneof() == nullptr);
    if (has_default || what.GetReflection()->HasField(what, each)) all.push_back(each);
  }
  std::copy_if(set.begin(), set.end(), std::back_inserter(all), [](const Field* each) { return each->is_extension(); });
  return all;
}

void JsonPrinter::field(const Message& what, const Field& which, int depth, std::string& out) const {
  if (which.is_map()) return map(what, which, depth, out);
  if (which.is_repeated()) return list(what, which, depth, out);
  value(what, which, -1, depth, out);
}

void JsonPrinter::list(const Message& what, const Field& which, int depth, std::string& out) const {
  Block block(out, depth, '[');
  const int size = what.GetReflection()->FieldSize(what, &which);
  for (int i = 0; i < size; ++i) value(what, which, i, depth + 1, block.next());
  block.close();
}

/// By key, numbers as numbers: the library has them in any order. Of two with one key the last counts.
void JsonPrinter::map(const Message& what, const Field& which, int depth, std::string& out) const {
  const Field& key_field = *which.message_type()->map_key();
  const bool has_number = key_field.cpp_type() != Field::CPPTYPE_STRING;
  std::map<std::pair<double, std::string>, const Message*> entries;
  const int size = what.GetReflection()->FieldSize(what, &which);
  for (int i = 0; i < size; ++i) {
    const Message& entry = what.GetReflection()->GetRepeatedMessage(what, &which, i);
    std::string key = scalar(entry, key_field, -1);
    if (key.front() != '"') key = quoted(key);
    entries[{has_number ? std::strtod(key.c_str() + 1, nullptr) : 0, key}] = &entry;
  }
  Block block(out, depth, '{');
  for (const auto& [key, entry] : entries) {
    value(*entry, *which.message_type()->map_value(), -1, depth + 1, block.next(key.second));
  }
  block.close();
}

void JsonPrinter::value(const Message& what, const Field& which, int index, int depth, std::string& out) const {
  if (which.cpp_type() != Field::CPPTYPE_MESSAGE) {
    out += scalar(what, which, index);
    return;
  }
  const pb::Reflection& reflection = *what.GetReflection();
  message(index < 0 ? reflection.GetMessage(what, &which) : reflection.GetRepeatedMessage(what, &which, index), depth,
          out);
}

void JsonPrinter::any(const Message& what, int depth, std::string& out) const {
  const pb::Reflection& reflection = *what.GetReflection();
  const std::string url = reflection.GetString(what, what.GetDescriptor()->FindFieldByNumber(1));
  const std::string bytes = reflection.GetString(what, what.GetDescriptor()->FindFieldByNumber(2));
  Block block(out, depth, '{');
  if (!url.empty() || !bytes.empty()) block.next("\"@type\"") += text(url);
  const pb::Descriptor* type = depth < kMaxMessageDepth ? lookup_.find_url(url) : nullptr;
  const std::unique_ptr<Message> inner(type != nullptr ? factory_.GetPrototype(type)->New() : nullptr);
  if (inner == nullptr || !parse_message(bytes, *inner)) {
    if (!bytes.empty()) block.next("\"@value\"") += quoted(base64(bytes));
  } else if (notation_of(*type) == pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED) {
    fields(*inner, depth, block);
  } else {
    message(*inner, depth + 1, block.next("\"value\""));
  }
  block.close();
}

std::string JsonPrinter::scalar(const Message& what, const Field& which, int index) const {
  const pb::Reflection& from = *what.GetReflection();
  const auto get = [&](auto one, auto of_many) {
    return index < 0 ? (from.*one)(what, &which) : (from.*of_many)(what, &which, index);
  };
  using R = pb::Reflection;
  switch (which.cpp_type()) {
    case Field::CPPTYPE_INT32:
      return std::to_string(get(&R::GetInt32, &R::GetRepeatedInt32));
    case Field::CPPTYPE_UINT32:
      return std::to_string(get(&R::GetUInt32, &R::GetRepeatedUInt32));
    case Field::CPPTYPE_INT64:
      return quoted(std::to_string(get(&R::GetInt64, &R::GetRepeatedInt64)));
    case Field::CPPTYPE_UINT64:
      return quoted(std::to_string(get(&R::GetUInt64, &R::GetRepeatedUInt64)));
    case Field::CPPTYPE_DOUBLE:
      return floating<double>(get(&R::GetDouble, &R::GetRepeatedDouble), pb::SimpleDtoa);
    case Field::CPPTYPE_FLOAT:
      return floating<float>(get(&R::GetFloat, &R::GetRepeatedFloat), pb::SimpleFtoa);
    case Field::CPPTYPE_BOOL:
      return get(&R::GetBool, &R::GetRepeatedBool) ? "true" : "false";
    case Field::CPPTYPE_ENUM:
      return enumerated(*which.enum_type(), get(&R::GetEnumValue, &R::GetRepeatedEnumValue));
    default:
      const std::string bytes = get(&R::GetString, &R::GetRepeatedString);
      return which.type() == Field::TYPE_BYTES ? quoted(base64(bytes)) : text(bytes);
  }
}

std::string JsonPrinter::text(std::string_view what) const {
  if (is_plain(what)) return quoted(what);
  pb::UnknownFieldSet wrapped;
  wrapped.AddLengthDelimited(1, std::string(what));
  std::string wire;
  wrapped.SerializeToString(&wire);
  return by_library(kStringValue, wire);
}

/// Empty: it cannot.
std::string JsonPrinter::by_library(const std::string& type, const std::string& wire) const {
  const pb::LogSilencer no_warnings;
  std::string json;
  const auto status = pb::util::BinaryToJsonString(&lookup_.resolver(), fmt::format("{}/{}", kTypeDomain, type), wire,
                                                   &json, pb::util::JsonPrintOptions());
  return status.ok() ? json : std::string();
}

}  // namespace lgen
