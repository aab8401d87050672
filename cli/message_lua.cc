#include "message_lua.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "fitted_values.h"
#include "json_times.h"
#include "lgen/base64.h"
#include "lgen/json_problem.h"
#include "lgen/units.h"
#include "placeholders.h"
#include "request_headers.h"

namespace lgen::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::int64_t kExact = std::int64_t{1} << 53;  // greater numbers are no doubles

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

/// `json` with every mark as the user has written it.
Json unmarked(const Json& json, const std::vector<Placeholder>& placeholders) {
  if (json.is_string()) return as_written(json.get_ref<const std::string&>(), placeholders);
  if (json.is_array()) {
    Json out = Json::array();
    for (const Json& member : json) out.push_back(unmarked(member, placeholders));
    return out;
  }
  if (!json.is_object()) return json;
  Json out = Json::object();
  for (const auto& [key, member] : json.items()) out[as_written(key, placeholders)] = unmarked(member, placeholders);
  return out;
}

/// A value as it reads in an error, cut short.
std::string shown(const Json& json, const std::vector<Placeholder>& placeholders) {
  if (json.is_string() && was_bare(json.get_ref<const std::string&>())) {
    return as_written(json.get_ref<const std::string&>(), placeholders);
  }
  const std::string text = unmarked(json, placeholders).dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 40 ? text.substr(0, 37) + "..." : text;
}

std::string below(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

/// "user_id" -> "userId", as protobuf's JSON has it.
std::string json_name(std::string_view name) {
  std::string out;
  bool capital = false;
  for (const char c : name) {
    if (c != '_') out += capital ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    capital = c == '_';
  }
  return out;
}

const FieldPlan* find_field(const MessagePlan& plan, std::string_view name) {
  if (const FieldPlan* field = plan.find(name)) return field;
  for (const FieldPlan& field : plan.fields) {
    if (json_name(field.name) == name) return &field;
  }
  return nullptr;
}

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A whole number as Lua source: beyond 2^53 a 64-bit integer.
std::optional<std::string> parse_integer(std::string_view text) {
  if (const auto value = parse_whole<std::int64_t>(text)) {
    return fmt::format("{}{}", *value, *value > kExact || *value < -kExact ? "LL" : "");
  }
  if (const auto value = parse_whole<std::uint64_t>(text)) return fmt::format("{}ULL", *value);
  return std::nullopt;
}

std::optional<std::string> whole_number(const Json& json) {
  if (json.is_string()) return parse_integer(json.get_ref<const std::string&>());
  if (json.is_number_integer()) return parse_integer(json.dump());
  if (!json.is_number_float()) return std::nullopt;
  const double value = json.get<double>();
  if (value != std::floor(value) || std::abs(value) > static_cast<double>(kExact)) return std::nullopt;
  return fmt::format("{:.0f}", value);
}

std::optional<std::string> real_number(const Json& json) {
  if (json.is_number()) return json.dump();
  if (!json.is_string()) return std::nullopt;
  const auto& text = json.get_ref<const std::string&>();
  if (text == "NaN") return "0 / 0";
  if (text == "Infinity") return "math.huge";
  if (text == "-Infinity") return "-math.huge";
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(text) : std::nullopt;
}

/// Whether a whole number, as Lua source, is one of the integer type `kind`.
bool in_range(std::string_view number, FieldKind kind) {
  const bool unsigned_wide = number.ends_with("ULL"), negative = number.starts_with('-');
  while (number.ends_with('L') || number.ends_with('U')) number.remove_suffix(1);
  const auto value = parse_whole<std::int64_t>(number);
  switch (kind) {
    case FieldKind::int32:
    case FieldKind::sint32:
    case FieldKind::sfixed32:
      return value && std::in_range<std::int32_t>(*value);
    case FieldKind::uint32:
    case FieldKind::fixed32:
      return value && std::in_range<std::uint32_t>(*value);
    case FieldKind::uint64:
    case FieldKind::fixed64:
      return !negative;
    case FieldKind::int64:
    case FieldKind::sint64:
    case FieldKind::sfixed64:
      return !unsigned_wide;
    default:
      return true;
  }
}

bool is_real(FieldKind kind) { return kind == FieldKind::double_ || kind == FieldKind::float_; }

/// One JSON text on its way into a table; remembers whether a template value was met.
class Writer {
 public:
  explicit Writer(const std::vector<Placeholder>& placeholders) : placeholders_(placeholders) {}

  bool varies() const { return varies_; }
  bool fits() const { return fits_; }

  Result<LuaValue> message(const Json& json, const MessagePlan& plan, const std::string& path) {
    switch (plan.form) {
      case MessageForm::plain:
        return fields(json, plan, path);
      case MessageForm::bare:
        return bare(json, plan.fields[0], path);
      case MessageForm::timestamp:
        return time(json, timestamp_seconds, plan, "a text such as \"2024-05-01T12:00:00Z\"", path);
      case MessageForm::duration:
        return time(json, duration_seconds, plan, "a text such as \"1.5s\"", path);
      case MessageForm::value:
        return any_value(json, path);
      case MessageForm::any:
        return any(json, plan, path);
    }
    return fields(json, plan, path);
  }

  /// A string with its template values, as an expression.
  std::string text(const std::string& marked) {
    const std::vector<Piece> pieces = pieces_of(marked, placeholders_);
    if (pieces.empty()) return "\"\"";
    std::string out;
    for (const Piece& piece : pieces) {
      if (!out.empty()) out += " .. ";
      out += piece.placeholder ? piece.placeholder->expression : lua_string(piece.text);
      varies_ = varies_ || piece.placeholder;
    }
    const bool only_a_value = pieces.size() == 1 && pieces[0].placeholder;
    return only_a_value && !pieces[0].placeholder->number.empty() ? fmt::format("tostring({})", out) : out;
  }

 private:
  Error mismatch(const std::string& path, std::string_view wanted, const Json& got) const {
    return usage(
        fmt::format("{}{}{} expected, got {}", path, path.empty() ? "" : ": ", wanted, shown(got, placeholders_)));
  }

  Error unknown_field(const MessagePlan& plan, std::string_view name, const std::string& path) const {
    const std::vector<std::string_view> names = plan.field_names();
    const std::string_view guess = did_you_mean(name, names);
    return usage(fmt::format("{}: {} has no such field{}", below(path, as_written(name, placeholders_)), plan.name,
                             !guess.empty()  ? fmt::format(" (did you mean '{}'?)", guess)
                             : names.empty() ? " (it has none)"
                                             : fmt::format(" (it has: {})", fmt::join(names, ", "))));
  }

  Result<LuaValue> fields(const Json& json, const MessagePlan& plan, const std::string& path) {
    if (!json.is_object()) return mismatch(path, fmt::format("{} (an object)", plan.name), json);
    LuaValue table{.is_table = true};
    for (const auto& [name, member] : json.items()) {
      const FieldPlan* field = find_field(plan, name);
      if (!field) return unknown_field(plan, name, path);
      const bool null_counts = field->is_message() && field->message->form == MessageForm::value;
      if (member.is_null() && !null_counts) continue;
      auto value = any_shape(member, *field, below(path, name));
      if (!value) return value.error();
      table.entries.push_back({lua_key(field->name), std::move(*value)});
    }
    for (const FieldPlan& field : plan.fields) {
      const bool there = !field.required || std::any_of(table.entries.begin(), table.entries.end(),
                                                        [&](const auto& e) { return e.key == lua_key(field.name); });
      if (!there) return usage(fmt::format("{}: {} needs this field", below(path, field.name), plan.name));
    }
    return table;
  }

  // ---- well-known types, which plans write by their meaning ----

  /// Wrappers, Struct, ListValue, FieldMask: their only field stands for them.
  Result<LuaValue> bare(const Json& json, const FieldPlan& field, const std::string& path) {
    const bool mask = field.kind == FieldKind::string && field.shape == FieldShape::list && json.is_string();
    return any_shape(mask ? mask_paths(json.get_ref<const std::string&>()) : json, field, path);
  }

  /// "userName,address.zip" -> ["user_name", "address.zip"].
  static Json mask_paths(std::string_view text) {
    Json paths = Json::array();
    if (!text.empty()) paths.push_back("");
    for (const char c : text) {
      auto& path = paths.back().get_ref<std::string&>();
      if (c == ',') {
        paths.push_back("");
      } else if (c >= 'A' && c <= 'Z') {
        path += {'_', static_cast<char>(c - 'A' + 'a')};
      } else {
        path += c;
      }
    }
    return paths;
  }

  Result<LuaValue> time(const Json& json, std::optional<std::string> (*seconds)(std::string_view),
                        const MessagePlan& plan, std::string_view form, const std::string& path) {
    if (!json.is_string()) return mismatch(path, fmt::format("{} ({})", plan.name, form), json);
    const auto& text = json.get_ref<const std::string&>();
    const std::vector<Piece> pieces = pieces_of(text, placeholders_);
    if (pieces.size() == 1 && pieces[0].placeholder && !pieces[0].placeholder->number.empty()) {
      varies_ = true;
      return LuaValue{pieces[0].placeholder->number};
    }
    if (has_placeholder(text)) {
      const auto example = example_of(pieces);
      if (example && !seconds(*example)) return mismatch(path, fmt::format("{} ({})", plan.name, form), json);
      return LuaValue{this->text(text)};  // the codec reads it
    }
    auto value = seconds(text);
    return value ? Result<LuaValue>(LuaValue{std::move(*value)})
                 : mismatch(path, fmt::format("{} ({})", plan.name, form), json);
  }

  /// google.protobuf.Value: anything.
  LuaValue any_value(const Json& json, const std::string& path) {
    if (json.is_null()) return {"lgen.null"};
    if (json.is_string()) {
      const auto& marked = json.get_ref<const std::string&>();
      return {was_bare(marked) ? fitted(FieldKind::double_, path, text(marked)) : text(marked)};
    }
    if (!json.is_structured()) return {json.dump()};
    LuaValue table{.is_table = true};
    for (const auto& [key, member] : json.items()) {
      table.entries.push_back({json.is_array() ? "" : fmt::format("[{}]", text(key)),
                               any_value(member, below(path, as_written(key, placeholders_)))});
    }
    return json.is_array() ? LuaValue{"lgen.array " + print_lua(table, 0)} : table;
  }

  Result<LuaValue> any(const Json& json, const MessagePlan& plan, const std::string& path) {
    const auto type = json.is_object() ? json.find("@type") : json.end();
    if (type == json.end() || !type->is_string()) {
      return mismatch(path, R"(google.protobuf.Any (an object with "@type"))", json);
    }
    const auto& url = type->get_ref<const std::string&>();
    const MessagePlan* inside = type_inside(plan, url);
    if (!inside) return usage(fmt::format("{}: the schema has no type '{}'", below(path, "@type"), url));
    Json rest = json;
    rest.erase("@type");
    const bool plain = inside->form == MessageForm::plain;
    auto table = plain ? fields(rest, *inside, path) : Result<LuaValue>(LuaValue{.is_table = true});
    if (!plain) {
      auto value = message(rest.value("value", Json()), *inside, below(path, "value"));
      if (!value) return value.error();
      table->entries.push_back({"value", std::move(*value)});
    }
    if (table) table->entries.insert(table->entries.begin(), {"[\"@type\"]", {lua_string(url)}});
    return table;
  }

  Result<LuaValue> any_shape(const Json& json, const FieldPlan& field, const std::string& path) {
    if (field.shape == FieldShape::list) return list(json, field, path);
    if (field.shape == FieldShape::map) return map(json, field, path);
    return single(json, field, path);
  }

  Result<LuaValue> list(const Json& json, const FieldPlan& field, const std::string& path) {
    if (!json.is_array()) return mismatch(path, field.type_name() + " (an array)", json);
    LuaValue table{.is_table = true};
    for (std::size_t i = 0; i < json.size(); ++i) {
      auto value = single(json[i], field, fmt::format("{}[{}]", path, i));
      if (!value) return value.error();
      table.entries.push_back({"", std::move(*value)});
    }
    return table;
  }

  Result<LuaValue> map(const Json& json, const FieldPlan& field, const std::string& path) {
    if (!json.is_object()) return mismatch(path, field.type_name() + " (an object)", json);
    const FieldPlan &key_field = field.message->fields[0], &value_field = field.message->fields[1];
    LuaValue table{.is_table = true};
    for (const auto& [name, member] : json.items()) {
      const std::string where = fmt::format("{}[{}]", path, lua_string(as_written(name, placeholders_)));
      const bool is_word = key_field.kind == FieldKind::boolean && (name == "true" || name == "false");
      const auto key = is_word ? Result<LuaValue>(LuaValue{name}) : scalar(name, key_field, where);
      if (!key) return key.error();
      auto value = single(member, value_field, where);
      if (!value) return value.error();
      table.entries.push_back({fmt::format("[{}]", key->expression), std::move(*value)});
    }
    return table;
  }

  Result<LuaValue> single(const Json& json, const FieldPlan& field, const std::string& path) {
    return field.is_message() ? message(json, *field.message, path) : scalar(json, field, path);
  }

  Result<LuaValue> scalar(const Json& json, const FieldPlan& field, const std::string& path) {
    if (json.is_string()) {
      const auto& marked = json.get_ref<const std::string&>();
      const std::vector<Piece> pieces = pieces_of(marked, placeholders_);
      if (has_placeholder(marked) && field.kind != FieldKind::string) return computed(json, pieces, field, path);
    }
    switch (field.kind) {
      case FieldKind::string:
        if (!json.is_string()) return mismatch(path, "string", json);
        return LuaValue{text(json.get_ref<const std::string&>())};
      case FieldKind::bytes:
        return bytes(json, path);
      case FieldKind::boolean:
        return json.is_boolean() ? Result<LuaValue>(LuaValue{json.dump()}) : mismatch(path, "true or false", json);
      case FieldKind::enumeration:
        return enumeration(json, *field.enumeration, path);
      default:
        break;
    }
    auto number = is_real(field.kind) ? real_number(json) : whole_number(json);
    if (number && !in_range(*number, field.kind)) {
      return usage(
          fmt::format("{}: {} is out of the range of {}", path, shown(json, placeholders_), to_string(field.kind)));
    }
    return number ? Result<LuaValue>(LuaValue{std::move(*number)}) : mismatch(path, to_string(field.kind), json);
  }

  /// A template value in a field that is no string: what can be known of it is checked now, the rest at each call.
  Result<LuaValue> computed(const Json& json, const std::vector<Piece>& pieces, const FieldPlan& field,
                            const std::string& path) {
    const bool number = pieces.size() == 1 && !pieces[0].placeholder->number.empty();
    const bool is_enum = field.kind == FieldKind::enumeration;
    if (const auto example = example_of(pieces); example && !(is_enum && number) && !fits(*example, field, path)) {
      return mismatch(path, is_enum ? field.enumeration->name : wanted(field.kind), json);
    }
    varies_ = true;
    const bool as_number = number && field.kind != FieldKind::bytes && field.kind != FieldKind::boolean;
    if (as_number) return LuaValue{pieces[0].placeholder->number};
    const std::string filled = text(json.get_ref<const std::string&>());
    return LuaValue{is_enum ? filled : fitted(field.kind, path, filled)};
  }

  bool fits(const std::string& example, const FieldPlan& field, const std::string& path) {
    if (field.kind == FieldKind::boolean) return example == "true" || example == "false";
    return static_cast<bool>(scalar(example, field, path));
  }

  static std::string_view wanted(FieldKind kind) {
    return kind == FieldKind::boolean ? "true or false"
           : kind == FieldKind::bytes ? "bytes (in base64)"
                                      : to_string(kind);
  }

  std::string fitted(FieldKind kind, const std::string& path, const std::string& text) {
    fits_ = true;
    return fitted_value(kind, path, text);
  }

  Result<LuaValue> bytes(const Json& json, const std::string& path) {
    if (!json.is_string()) return mismatch(path, "bytes (a string in base64)", json);
    const auto decoded = from_base64(json.get_ref<const std::string&>());
    return decoded ? Result<LuaValue>(LuaValue{lua_string(*decoded)}) : mismatch(path, "bytes (in base64)", json);
  }

  Result<LuaValue> enumeration(const Json& json, const EnumPlan& plan, const std::string& path) {
    if (json.is_number_integer()) return LuaValue{json.dump()};
    if (!json.is_string()) return mismatch(path, plan.name, json);
    const auto& name = json.get_ref<const std::string&>();
    if (plan.find(name)) return LuaValue{lua_string(name)};
    std::vector<std::string_view> names;
    for (const EnumPlan::Value& value : plan.values) names.push_back(value.name);
    const std::string_view guess = did_you_mean(name, names);
    return usage(fmt::format("{}: {} has no value '{}'{}", path, plan.name, name,
                             guess.empty() ? fmt::format(" (it has: {})", fmt::join(names, ", "))
                                           : fmt::format(" (did you mean '{}'?)", guess)));
  }

  const std::vector<Placeholder>& placeholders_;
  bool varies_ = false, fits_ = false;
};

struct Parsed {
  Json json;
  std::vector<Placeholder> placeholders;
};

Result<Parsed> parse(std::string_view text, const MethodInfo& method) {
  auto marked = mark_placeholders(text, facts_of(method));
  if (!marked) return marked.error();
  try {
    return Parsed{Json::parse(marked->json), std::move(marked->placeholders)};
  } catch (const Json::exception&) {
    const JsonProblem problem = json_problem(marked->json).value_or(JsonProblem{});
    return usage(fmt::format("no JSON: line {}, column {}: {}", problem.line, problem.column, problem.words));
  }
}

Result<std::vector<LuaTable>> read_messages(std::string_view json, const MethodInfo& method) {
  const auto parsed = parse(json, method);
  if (!parsed) return parsed.error();
  const bool many = parsed->json.is_array();
  if (many && parsed->json.empty()) return usage("the array is empty; one message at least is needed");
  std::vector<LuaTable> tables;
  for (std::size_t i = 0; i < (many ? parsed->json.size() : 1); ++i) {
    Writer writer(parsed->placeholders);
    auto table =
        writer.message(many ? parsed->json[i] : parsed->json, *method.input, many ? fmt::format("[{}]", i) : "");
    if (!table) return table.error();
    tables.push_back({std::move(*table), writer.varies(), writer.fits()});
  }
  return tables;
}

/// What is already filled in is checked now, the rest when it is sent.
Result<LuaValue> metadata_value(Writer& writer, const std::string& name, const std::string& value) {
  if (!has_placeholder(value)) {
    const auto bytes = header_value(name, value);
    return bytes ? Result<LuaValue>({lua_string(*bytes)}) : usage(fmt::format("{}: {}", name, bytes.error().message));
  }
  const std::string text = writer.text(value);
  return LuaValue{name.ends_with("-bin") ? fmt::format("assert(lgen.crypto.base64_decode({}))", text) : text};
}

Result<LuaTable> read_metadata(std::string_view json, const MethodInfo& method) {
  const auto parsed = parse(json, method);
  if (!parsed) return parsed.error();
  if (!parsed->json.is_object())
    return usage(fmt::format("an object is expected, got {}", shown(parsed->json, parsed->placeholders)));
  Writer writer(parsed->placeholders);
  LuaTable table{{.is_table = true}};
  for (const auto& [name, value] : parsed->json.items()) {
    if (!value.is_string())
      return usage(fmt::format("{}: string expected, got {}", name, shown(value, parsed->placeholders)));
    const auto key = header_name(name);
    if (!key) return key.error();
    auto entry = metadata_value(writer, *key, value.get_ref<const std::string&>());
    if (!entry) return entry.error();
    table.value.entries.push_back({lua_key(*key), *std::move(entry)});
  }
  table.varies = writer.varies();
  return table;
}

template <class T>
Result<T> named(std::string_view what, Result<T> result) {
  if (result) return result;
  return usage(fmt::format("{}: {}", what, result.error().message));
}

}  // namespace

Result<std::vector<LuaTable>> messages_of(std::string_view what, std::string_view json, const MethodInfo& method) {
  return named(what, read_messages(json, method));
}

Result<LuaTable> metadata_of(std::string_view what, std::string_view json, const MethodInfo& method) {
  return named(what, read_metadata(json, method));
}

}  // namespace lgen::cli
