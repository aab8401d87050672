#include "json_fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "json_errors.h"
#include "json_place.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Field = pb::FieldDescriptor;
using Json = nlohmann::ordered_json;

constexpr int kDeep = 100;  // the library refuses more

bool is_known(const Field& field, pb::Descriptor::WellKnownType type) {
  return field.message_type() != nullptr && field.message_type()->well_known_type() == type;
}

bool is_value(const Field& field) { return is_known(field, pb::Descriptor::WELLKNOWNTYPE_VALUE); }

bool may_be_null(const Field& field) {
  return is_value(field) ||
         (field.enum_type() != nullptr && field.enum_type()->full_name() == "google.protobuf.NullValue");
}

bool may_be_list(const Field& field) {
  return is_value(field) || is_known(field, pb::Descriptor::WELLKNOWNTYPE_LISTVALUE);
}

std::string wanted(const std::string& path, std::string_view what, const Json& got) {
  return fmt::format("{}: {} expected, got {}", path, what, short_json(got));
}

class Fit {
 public:
  explicit Fit(const TypeLookup& lookup) : lookup_(lookup) {}

  std::string message(const pb::Descriptor& type, const Json& json, const std::string& path, int depth) const {
    if (!json.is_object() || depth > kDeep) return "";
    if (type.well_known_type() == pb::Descriptor::WELLKNOWNTYPE_ANY) return any(json, path, depth);
    if (type.well_known_type() != pb::Descriptor::WELLKNOWNTYPE_UNSPECIFIED) return "";
    std::map<const Field*, std::string> given;
    for (const auto& [key, value] : json.items()) {
      const Field* field = find_json_field(type, key);
      if (field == nullptr) continue;
      const std::string at = (path.empty() ? "" : path + ".") + field->name();
      const auto [before, is_new] = given.try_emplace(field, key);
      if (!is_new) return fmt::format("{}: the field is given twice, as {} and {}", at, before->second, key);
      if (std::string problem = member(*field, value, at, depth); !problem.empty()) return problem;
    }
    return "";
  }

 private:
  std::string any(const Json& json, const std::string& path, int depth) const {
    const auto url = json.find("@type");
    if (url == json.end() || !url->is_string()) return "";
    const pb::Descriptor* type = lookup_.find_url(url->get_ref<const std::string&>());
    return type == nullptr ? "" : message(*type, json, path, depth + 1);
  }

  std::string member(const Field& field, const Json& value, const std::string& path, int depth) const {
    if (value.is_null()) return "";  // as if it were not there
    if (field.is_map()) return map(field, value, path, depth);
    if (field.is_repeated()) return list(field, value, path, depth);
    if (value.is_array() && !may_be_list(field)) {
      return fmt::format("{}: a list, but the field is not repeated", path);
    }
    if (std::string problem = taken_otherwise(field, value, path); !problem.empty()) return problem;
    return field.message_type() != nullptr ? message(*field.message_type(), value, path, depth + 1) : "";
  }

  std::string list(const Field& field, const Json& value, const std::string& path, int depth) const {
    if (!value.is_array()) return wanted(path, fmt::format("list of {} (an array)", json_type_name(field)), value);
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      if (std::string problem = item(field, value[i], at, depth); !problem.empty()) return problem;
    }
    return "";
  }

  std::string map(const Field& field, const Json& value, const std::string& path, int depth) const {
    if (value.is_array()) return fmt::format("{}: a list, but a map is written as {{...}}", path);
    if (!value.is_object()) return "";
    const Field& held = *field.message_type()->map_value();
    for (const auto& [key, entry] : value.items()) {
      if (entry.is_array()) continue;  // the library's, in words of its own
      if (std::string problem = item(held, entry, path + key_in_path(key), depth); !problem.empty()) return problem;
    }
    return "";
  }

  std::string item(const Field& field, const Json& value, const std::string& path, int depth) const {
    const bool wrong = (value.is_null() && !may_be_null(field)) || (value.is_array() && !may_be_list(field));
    if (wrong) return wanted(path, json_type_name(field), value);
    if (std::string problem = taken_otherwise(field, value, path); !problem.empty()) return problem;
    return field.message_type() != nullptr ? message(*field.message_type(), value, path, depth + 1) : "";
  }

  /// Texts that the library takes for something else: "yes" for true, any text for a list of names.
  static std::string taken_otherwise(const Field& field, const Json& value, const std::string& path) {
    if (!value.is_string()) return "";
    const auto& text = value.get_ref<const std::string&>();
    if (field.type() == Field::TYPE_BOOL && text != "true" && text != "false") {
      return fmt::format("{}: {} is no bool; write true or false", path, short_json(value));
    }
    const bool is_mask = is_known(field, pb::Descriptor::WELLKNOWNTYPE_FIELDMASK);
    const auto in_mask = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == ',' || c == '_';
    };
    if (!is_mask || std::all_of(text.begin(), text.end(), in_mask)) return "";
    return fmt::format("{}: {} is no google.protobuf.FieldMask; write \"name,address.street\"", path,
                       short_json(value));
  }

  const TypeLookup& lookup_;
};

}  // namespace

std::string json_misfit(const TypeLookup& lookup, const pb::Descriptor& type, const Json& json) {
  return Fit(lookup).message(type, json, "", 0);
}

}  // namespace lgen
