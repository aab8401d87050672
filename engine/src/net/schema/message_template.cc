// A message to start from, in three notations. One walk over the descriptors; a notation only says how a field, a list
// and a map are put. A type that contains itself ends in an empty message, or an empty list, where it comes round.
#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/strutil.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lgen/message_json.h"
#include "schema_impl.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;

/// Types that have a notation of their own: JSON's, and the one of plans (LUA: times are seconds).
struct Special {
  std::string_view type;
  std::string_view json;
  std::string_view lua;
};
constexpr Special kSpecials[] = {
    {"google.protobuf.Timestamp", "\"1970-01-01T00:00:00Z\"", "0"},
    {"google.protobuf.Duration", "\"0s\"", "0"},
    {"google.protobuf.FieldMask", "\"\"", "{}"},
    {"google.protobuf.Struct", "{}", "{}"},
    {"google.protobuf.Value", "null", "lgen.null"},
    {"google.protobuf.ListValue", "[]", "{}"},
    {"google.protobuf.Any", R"({"@type": "type.googleapis.com/google.protobuf.Empty"})",
     R"({ ["@type"] = "type.googleapis.com/google.protobuf.Empty" })"},
    {"google.protobuf.BoolValue", "false", "false"},
    {"google.protobuf.StringValue", "\"\"", "\"\""},
    {"google.protobuf.BytesValue", "\"\"", "\"\""},
    {"google.protobuf.Int32Value", "0", "0"},
    {"google.protobuf.UInt32Value", "0", "0"},
    {"google.protobuf.Int64Value", "\"0\"", "0"},
    {"google.protobuf.UInt64Value", "\"0\"", "0"},
    {"google.protobuf.FloatValue", "0", "0"},
    {"google.protobuf.DoubleValue", "0", "0"},
};

constexpr std::string_view kLuaWords[] = {"and",      "break",  "do",   "else", "elseif", "end",  "false", "for",
                                          "function", "goto",   "if",   "in",   "local",  "nil",  "not",   "or",
                                          "repeat",   "return", "then", "true", "until",  "while"};

bool is_lua_word(std::string_view name) {
  return std::find(std::begin(kLuaWords), std::end(kLuaWords), name) != std::end(kLuaWords);
}

class Template {
 public:
  explicit Template(TemplateSyntax syntax) : syntax_(syntax) {}

  std::string write(const pb::Descriptor& type) {
    std::string out = is_text() ? "" : message(type, 0);
    if (is_text()) members(type, 0, out);
    return out.ends_with('\n') ? out.substr(0, out.size() - 1) : out;
  }

 private:
  bool is_text() const { return syntax_ == TemplateSyntax::text; }
  bool is_lua() const { return syntax_ == TemplateSyntax::lua; }
  static std::string indent(int depth) { return std::string(2 * static_cast<std::size_t>(depth), ' '); }

  bool comes_round(const pb::Descriptor& type) const {
    return std::find(path_.begin(), path_.end(), &type) != path_.end();
  }

  /// "{...}" with its members, or the type's own notation.
  std::string message(const pb::Descriptor& type, int depth) {
    if (!is_text()) {
      for (const Special& special : kSpecials) {
        if (type.full_name() == special.type) return std::string(is_lua() ? special.lua : special.json);
      }
    }
    if (comes_round(type) || type.field_count() == 0) return "{}";
    std::string out = "{\n";
    members(type, depth + 1, out);
    return out + indent(depth) + "}";
  }

  void members(const pb::Descriptor& type, int depth, std::string& out) {
    path_.push_back(&type);
    const std::vector<const Field*> fields = chosen(type);
    for (const Field* field : fields) out += member(*field, depth, field == fields.back());
    path_.pop_back();
  }

  /// Of a oneof the first field.
  static std::vector<const Field*> chosen(const pb::Descriptor& type) {
    std::vector<const Field*> fields;
    for (int i = 0; i < type.field_count(); ++i) {
      const pb::OneofDescriptor* oneof = type.field(i)->real_containing_oneof();
      if (oneof == nullptr || oneof->field(0) == type.field(i)) fields.push_back(type.field(i));
    }
    return fields;
  }

  std::string member(const Field& field, int depth, bool last) {
    const std::string value = is_text() ? text_value(field, depth) : field_value(field, depth);
    if (is_text()) {
      const std::string& name = field.type() == Field::TYPE_GROUP ? field.message_type()->name() : field.name();
      return fmt::format("{}{}{}{}\n", indent(depth), name, value.starts_with('{') ? " " : ": ", value);
    }
    if (!is_lua()) return fmt::format("{}\"{}\": {}{}\n", indent(depth), field.json_name(), value, last ? "" : ",");
    const std::string name = is_lua_word(field.name()) ? fmt::format("[\"{}\"]", field.name()) : field.name();
    const std::string note = lua_note(field);
    // Behind a table of several lines the note would be far from its name.
    const bool above = !note.empty() && value.find('\n') != std::string::npos;
    return fmt::format("{}{}{} = {},{}\n", above ? fmt::format("{}-- {}\n", indent(depth), note) : "", indent(depth),
                       name, value, above || note.empty() ? "" : " -- " + note);
  }

  std::string field_value(const Field& field, int depth) {
    if (field.is_map()) return map_value(field, depth);
    const bool message_field = field.cpp_type() == Field::CPPTYPE_MESSAGE;
    if (!field.is_repeated()) return message_field ? message(*field.message_type(), depth) : scalar(field);
    const std::string_view open = is_lua() ? "{" : "[";
    const std::string_view close = is_lua() ? "}" : "]";
    if (message_field && comes_round(*field.message_type())) return fmt::format("{}{}", open, close);
    const std::string item = message_field ? message(*field.message_type(), depth + 1) : scalar(field);
    return enclosed(open, item, close, depth);
  }

  /// Lua's short tables are written on one line.
  std::string enclosed(std::string_view open, const std::string& item, std::string_view close, int depth) const {
    if (is_lua() && item.find('\n') == std::string::npos) return fmt::format("{} {} {}", open, item, close);
    return fmt::format("{}\n{}{}\n{}{}", open, indent(depth + 1), item, indent(depth), close);
  }

  std::string map_value(const Field& field, int depth) {
    const Field& key = *field.message_type()->map_key();
    const Field& value = *field.message_type()->map_value();
    if (value.message_type() != nullptr && comes_round(*value.message_type())) return "{}";
    const std::string item = field_value(value, depth + 1);
    std::string name = scalar(key);
    if (is_lua()) name = "[" + name + "]";
    if (!is_lua() && !name.starts_with('"')) name = "\"" + name + "\"";
    return enclosed("{", fmt::format("{}{} {}", name, is_lua() ? " =" : ":", item), "}", depth);
  }

  /// In the text format a list or a map is its item, once.
  std::string text_value(const Field& field, int depth) {
    if (field.cpp_type() != Field::CPPTYPE_MESSAGE) return scalar(field);
    return message(*field.message_type(), depth);
  }

  /// The value a reader takes where the field is not sent: proto2's [default = ...], or the type's.
  std::string scalar(const Field& field) const {
    if (field.has_default_value()) return declared_default(field);
    switch (field.cpp_type()) {
      case Field::CPPTYPE_STRING:
        return "\"\"";
      case Field::CPPTYPE_BOOL:
        return "false";
      case Field::CPPTYPE_ENUM:
        return is_text() ? field.enum_type()->value(0)->name()
                         : fmt::format("\"{}\"", field.enum_type()->value(0)->name());
      case Field::CPPTYPE_INT64:
      case Field::CPPTYPE_UINT64:
        return syntax_ == TemplateSyntax::json ? "\"0\"" : "0";
      default:
        return "0";
    }
  }

  std::string declared_default(const Field& field) const {
    switch (field.cpp_type()) {
      case Field::CPPTYPE_STRING:
        return quoted(field.default_value_string(), field.type() == Field::TYPE_BYTES);
      case Field::CPPTYPE_BOOL:
        return field.default_value_bool() ? "true" : "false";
      case Field::CPPTYPE_ENUM:
        return fmt::format("{0}{1}{0}", is_text() ? "" : "\"", field.default_value_enum()->name());
      case Field::CPPTYPE_INT32:
        return fmt::to_string(field.default_value_int32());
      case Field::CPPTYPE_UINT32:
        return fmt::to_string(field.default_value_uint32());
      case Field::CPPTYPE_INT64:
        return wide(field.default_value_int64(), "LL");
      case Field::CPPTYPE_UINT64:
        return wide(field.default_value_uint64(), "ULL");
      case Field::CPPTYPE_FLOAT:
        return real(field.default_value_float());
      default:
        return real(field.default_value_double());
    }
  }

  /// JSON and Lua have doubles only.
  template <class Integer>
  std::string wide(Integer value, std::string_view lua_suffix) const {
    if (is_text()) return fmt::to_string(value);
    if (!is_lua()) return fmt::format("\"{}\"", value);
    constexpr Integer kExact = Integer{1} << 53;
    const bool exact = value <= kExact && (value >= 0 || value >= Integer{0} - kExact);
    return fmt::format("{}{}", value, exact ? "" : lua_suffix);
  }

  template <class Real>
  std::string real(Real value) const {
    if (std::isfinite(value)) return fmt::to_string(value);
    if (is_text()) return fmt::to_string(value);
    if (std::isnan(value)) return is_lua() ? "0 / 0" : "\"NaN\"";
    if (is_lua()) return value > 0 ? "math.huge" : "-math.huge";
    return value > 0 ? "\"Infinity\"" : "\"-Infinity\"";
  }

  std::string quoted(const std::string& bytes, bool is_binary) const {
    if (is_text()) return fmt::format("\"{}\"", pb::CEscape(bytes));
    if (is_lua()) return lua_quoted(bytes);
    std::string encoded = bytes;
    if (is_binary) pb::Base64Escape(bytes, &encoded);
    return nlohmann::json(encoded).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  static std::string lua_quoted(std::string_view bytes) {
    std::string out = "\"";
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += std::string("\\") + c;
      } else if (byte < 0x20 || byte == 0x7f) {
        out += fmt::format("\\{:03}", byte);
      } else {
        out += c;
      }
    }
    return out + '"';
  }

  /// What the value does not show: an enum's other values, what else a oneof could be.
  static std::string lua_note(const Field& field) {
    std::string note;
    if (const pb::EnumDescriptor* type = field.enum_type(); type != nullptr) {
      for (int i = 0; i < type->value_count(); ++i) note += (i == 0 ? "" : ", ") + type->value(i)->name();
    }
    const pb::OneofDescriptor* oneof = field.real_containing_oneof();
    for (int i = 1; oneof != nullptr && i < oneof->field_count(); ++i) {
      note += (i > 1 ? ", " : note.empty() ? "or " : "; or ") + oneof->field(i)->name();
    }
    return note;
  }

  const TemplateSyntax syntax_;
  std::vector<const pb::Descriptor*> path_;  // the messages we are in
};

}  // namespace

Result<std::string> message_template(const Schema& schema, std::string_view type, TemplateSyntax syntax) {
  const pb::Descriptor* found = schema.impl().pool().FindMessageTypeByName(std::string(type));
  if (found == nullptr) return schema.impl().unknown("message type", type, schema.messages());
  return Template(syntax).write(*found);
}

}  // namespace lgen
