// protobuf words its complaints in a few fixed forms:
//   (path) name: Cannot find field.                   no such field
//   (path): invalid value V for type T                V does not fit
//   (path): missing field ADDRESS                     a required one; the address is that of its name, a slip of theirs
//   (path) name: anything else,  : anything           the rest
// The path is walked along the descriptors to tell what would have fitted. Where it cannot be followed (inside of an
// Any) the form alone has to do.
#include "json_errors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "lgen/units.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Names = std::vector<std::string>;

constexpr std::size_t kShownNames = 12;

constexpr std::string_view kScalar = "an object on a scalar field";

/// The library's sentence, taken apart.
struct Complaint {
  std::string path;  // "a.b[0].c", empty: the message itself
  std::string what;
};

Complaint take_apart(std::string_view said) {
  Complaint complaint;
  if (said.starts_with('(')) {
    const std::size_t end = said.find(')');
    complaint.path = said.substr(1, end - 1);
    said.remove_prefix(std::min(said.size(), end + 1));
    while (said.starts_with(' ')) said.remove_prefix(1);
  }
  const std::size_t colon = said.find(": ");
  if (colon == 0) said.remove_prefix(2);
  const std::string_view name = colon == std::string_view::npos ? std::string_view() : said.substr(0, colon);
  const bool is_name = !name.empty() && name.find_first_of(" '\"") == std::string_view::npos;
  if (colon != 0 && is_name) {
    complaint.path += (complaint.path.empty() ? "" : ".") + std::string(name);
    said.remove_prefix(colon + 2);
  }
  constexpr std::string_view kObject = "invalid value Starting an object on a scalar field for type ";
  if (said.starts_with(kObject)) {  // the "type" is the field
    complaint.path += (complaint.path.empty() ? "" : ".") + std::string(said.substr(kObject.size()));
    said = kScalar;
  }
  complaint.what = said;
  return complaint;
}

const pb::FieldDescriptor* find_field(const pb::Descriptor& type, const std::string& name) {
  if (const pb::FieldDescriptor* field = type.FindFieldByName(name)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) return type.field(i);
  }
  return nullptr;
}

/// How far a path can be followed.
struct Place {
  const pb::Descriptor* owner;                 // nullptr: not known
  const pb::FieldDescriptor* field = nullptr;  // of the owner, by the last part of the path; nullptr: it has none
  std::string parent;                          // the path without its last part
  std::string last;
};

Place follow(const pb::Descriptor& type, const std::string& path) {
  Place place{&type, nullptr, "", ""};
  std::size_t at = 0;
  while (at <= path.size() && !path.empty()) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    const std::string part = path.substr(at, dot - at);
    place.last = part.substr(0, part.find('['));
    place.parent = path.substr(0, at == 0 ? 0 : at - 1);
    place.field = place.owner ? find_field(*place.owner, place.last) : nullptr;
    at = dot + 1;
    if (at <= path.size()) place.owner = place.field ? place.field->message_type() : nullptr;
  }
  return place;
}

Names field_names(const pb::Descriptor& type) {
  Names names;
  for (int i = 0; i < type.field_count(); ++i) names.push_back(type.field(i)->json_name());
  return names;
}

std::string listed(const Names& names) {
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShownNames));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (names.size() > kShownNames) text += fmt::format(" and {} more", names.size() - kShownNames);
  return text;
}

std::string hint(const std::string& word, const Names& names, std::string_view has) {
  const std::string_view guess = did_you_mean(word, names);
  if (!guess.empty()) return fmt::format(" (did you mean '{}'?)", guess);
  return names.empty() ? fmt::format(" ({} none)", has) : fmt::format(" ({}: {})", has, listed(names));
}

std::string no_such_field(const Place& place) {
  if (place.owner == nullptr) return fmt::format("no such field '{}'", place.last);
  return fmt::format("{} has no field '{}'{}", place.owner->full_name(), place.last,
                     hint(place.last, field_names(*place.owner), "it has"));
}

std::string required_missing(const pb::Descriptor* type) {
  Names required;
  for (int i = 0; type != nullptr && i < type->field_count(); ++i) {
    if (type->field(i)->is_required()) required.push_back(type->field(i)->json_name());
  }
  if (required.empty()) return "a required field is missing";
  return fmt::format("a required field is missing ({} needs {})", type->full_name(), listed(required));
}

std::string no_such_value(const pb::EnumDescriptor& type, const std::string& value) {
  Names names;
  for (int i = 0; i < type.value_count(); ++i) names.push_back(type.value(i)->name());
  std::string bare = value;
  if (bare.size() >= 2 && bare.front() == '"' && bare.back() == '"') bare = bare.substr(1, bare.size() - 2);
  return fmt::format("enum {} has no value {}{}", type.full_name(), value, hint(bare, names, "it has"));
}

std::string expected(const pb::FieldDescriptor& field) {
  if (field.is_map()) return "an object";
  if (field.type() == pb::FieldDescriptor::TYPE_BYTES) return "bytes in base64";
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) return field.message_type()->full_name();
  return field.type_name();
}

/// "V for type T": V does not fit; T is known better from the field.
std::string bad_value(const Place& place, const std::string& what) {
  constexpr std::string_view kStart = "invalid value ";
  constexpr std::string_view kType = " for type ";
  const std::size_t split = what.rfind(kType);
  const std::string value = what.substr(kStart.size(), split - kStart.size());
  std::string type = what.substr(split + kType.size());
  type = type.substr(type.rfind('/') + 1);
  if (value.find(' ') != std::string::npos && !value.starts_with('"')) return value;  // a sentence of its own
  if (place.field == nullptr) return fmt::format("{} does not fit {}", value, type);
  if (place.field->enum_type() != nullptr) return no_such_value(*place.field->enum_type(), value);
  return fmt::format("{} is no {}", value, expected(*place.field));
}

std::string reworded(const Place& place, const std::string& what) {
  if (what.starts_with("Cannot find field")) return no_such_field(place);
  if (what.starts_with("missing field ")) {
    return required_missing(place.field != nullptr ? place.field->message_type() : place.owner);
  }
  if (what.starts_with("Proto field is not repeating")) return "a list, but the field is not repeated";
  if (what == kScalar) {
    return place.field != nullptr ? fmt::format("an object is no {}", expected(*place.field))
                                  : "an object is no scalar";
  }
  if (what.starts_with("Root element must be a message")) return "a message is written as {...}";
  if (what.starts_with("invalid value ") && what.find(" for type ") != std::string::npos) return bad_value(place, what);
  return what;
}

/// Either spelling of a field's name comes to this.
std::string bare(std::string name) {
  std::erase(name, '_');
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

/// The library begins paths anew inside of an Any.
bool begins_inside_any(const Complaint& complaint, std::string_view text) {
  const std::string first = complaint.path.substr(0, complaint.path.find_first_of(".["));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (first.empty() || !json.is_object()) return false;
  const auto same = [&](const std::string& key) { return bare(key) == bare(first); };
  for (const auto& [key, value] : json.items()) {
    if (same(key)) return false;
  }
  return complaint.what.find("missing field") == std::string::npos;
}

}  // namespace

std::string explain_json_error(const pb::Descriptor& type, std::string_view text, std::string_view said) {
  const Complaint complaint = take_apart(said);
  if (begins_inside_any(complaint, text))
    return fmt::format("inside of an Any: {}: {}", complaint.path, complaint.what);
  const Place place = follow(type, complaint.path);
  const bool about_parent = complaint.what.starts_with("Cannot find field");
  const std::string& path = about_parent ? place.parent : complaint.path;
  const std::string words = reworded(place, complaint.what);
  return path.empty() ? words : fmt::format("{}: {}", path, words);
}

std::string json_syntax_error(std::string_view text) {
  class Check final : public nlohmann::json_sax<nlohmann::json> {
   public:
    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool string(string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool start_object(std::size_t) override { return true; }
    bool key(string_t&) override { return true; }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return true; }
    bool end_array() override { return true; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& e) override {
      problem = e.what();
      return false;
    }
    std::string problem;
  } check;
  if (nlohmann::json::sax_parse(text, &check)) return "";
  std::string_view problem = check.problem;  // "[json.exception.parse_error.101] parse error at line 1, column 5: ..."
  problem.remove_prefix(std::min(problem.size(), problem.find("] ") + 2));
  if (problem.starts_with("parse error at ")) problem.remove_prefix(std::string_view("parse error at ").size());
  constexpr std::string_view kChatter = "syntax error while parsing ";
  std::string clean(problem);
  if (const std::size_t at = clean.find(kChatter); at != std::string::npos) clean.erase(at, kChatter.size());
  return clean;
}

}  // namespace lgen
