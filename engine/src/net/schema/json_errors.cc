// protobuf words its complaints in a few fixed forms:
//   (path) name: Cannot find field.                   no such field
//   (path): invalid value V for type T                V does not fit
//   (path): invalid value Some sentence. for type T   the same, in the words of the type's own reader
//   (path): missing field ADDRESS                     a required one; the address is that of its name, a slip of theirs
//   (path) name: anything else,  : anything           the rest
// The path is walked along the descriptors and the JSON to tell what would have fitted and what there is. Where it
// cannot be followed (inside of an Any) the form alone has to do.
#include "json_errors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "json_place.h"
#include "lgen/units.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Names = std::vector<std::string>;
using Json = nlohmann::ordered_json;

constexpr std::size_t kShownNames = 12;

constexpr std::string_view kScalar = "an object on a scalar field";
constexpr std::string_view kListInMap = "a list, but a map has one value for each key";
constexpr std::string_view kStart = "invalid value ";
constexpr std::string_view kType = " for type ";

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

std::string no_such_field(const JsonPlace& place) {
  if (place.owner == nullptr) return fmt::format("no such field '{}'", place.name);
  return fmt::format("{} has no field '{}'{}", place.owner->full_name(), place.name,
                     hint(place.name, field_names(*place.owner), "it has"));
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

/// How a type is written that has a notation of its own.
std::string_view example(const pb::Descriptor& type) {
  switch (type.well_known_type()) {
    case pb::Descriptor::WELLKNOWNTYPE_TIMESTAMP:
      return "; write \"2020-01-02T03:04:05Z\"";
    case pb::Descriptor::WELLKNOWNTYPE_DURATION:
      return "; write \"1.5s\"";
    case pb::Descriptor::WELLKNOWNTYPE_FIELDMASK:
      return "; write \"name,address.street\"";
    case pb::Descriptor::WELLKNOWNTYPE_ANY:
      return "; write {\"@type\": \"type.googleapis.com/pkg.Message\", ...}";
    default:
      return "";
  }
}

std::string between(const std::string& text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == std::string::npos) return "";
  const std::size_t start = at + before.size();
  return text.substr(start, std::min(text.find(after, start), text.size()) - start);
}

/// What the reader of one type says of a value.
std::string bad_notation(const JsonPlace& place, const std::string& sentence) {
  if (sentence.starts_with("Missing @type")) return "\"@type\" is missing";
  const bool is_object = place.value != nullptr && place.value->is_object();
  if (sentence.starts_with("Invalid type URL") && is_object && place.value->contains("@type")) {
    return fmt::format("no message type is known for \"@type\": {}", short_json((*place.value)["@type"]));
  }
  if (sentence.starts_with("Cannot have repeated items")) return std::string(kListInMap);
  if (place.message == nullptr || place.value == nullptr) return sentence;
  const std::string got = short_json(*place.value);
  const std::string& type = place.message->full_name();
  if (sentence.find("exceeds limits") != std::string::npos) return fmt::format("{} is out of {}'s range", got, type);
  return fmt::format("{} is no {}{}", got, type, example(*place.message));
}

/// "TYPE_INT32" and ".../pkg.Message" as people write them.
std::string type_name(std::string type) {
  if (!type.starts_with("TYPE_")) return type.substr(type.rfind('/') + 1);
  type.erase(0, 5);
  std::transform(type.begin(), type.end(), type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

/// "V for type T": V does not fit; T is known better from the field.
std::string bad_value(const JsonPlace& place, const std::string& what) {
  const std::size_t split = what.rfind(kType);
  const std::string value = what.substr(kStart.size(), split - kStart.size());
  const bool sentence = value.find(' ') != std::string::npos && !value.starts_with('"');
  if (sentence) return bad_notation(place, value);
  const std::string_view the_key = place.is_key ? "the key " : "";
  if (place.field == nullptr) return fmt::format("{} is no {}", value, type_name(what.substr(split + kType.size())));
  if (place.field->enum_type() != nullptr) return no_such_value(*place.field->enum_type(), value);
  const std::string_view how = place.message != nullptr ? example(*place.message) : "";
  return fmt::format("{}{} is no {}{}", the_key, value, json_type_name(*place.field), how);
}

std::string reworded(const JsonPlace& place, const std::string& what) {
  if (what.starts_with("Cannot find field")) return no_such_field(place);
  if (what.starts_with("missing field ")) return required_missing(place.message);
  if (what.starts_with("Proto field is not repeating")) return "a list, but the field is not repeated";
  if (what == kScalar) {
    return place.field != nullptr ? fmt::format("an object is no {}", json_type_name(*place.field))
                                  : "an object is no scalar";
  }
  if (what.starts_with("Root element must be a message")) return "a message is written as {...}";
  if (what.starts_with("Proto fields must have a name")) {
    return place.value != nullptr && place.value->is_array() ? std::string(kListInMap) : "a field without a name";
  }
  if (what.starts_with("Message too deep")) return "objects are nested more than 100 deep; use -format text";
  if (what.starts_with(kStart) && what.find(kType) != std::string::npos) return bad_value(place, what);
  return what.substr(0, what.find('\n'));
}

std::string at_path(const std::string& path, const std::string& words) {
  return path.empty() ? words : fmt::format("{}: {}", path, words);
}

std::string at_member(const JsonPlace& place, const std::string& name) {
  return place.path.empty() ? name : fmt::format("{}.{}", place.path, name);
}

/// Of a oneof more than one field is there.
std::string set_twice(const JsonPlace& place, const std::string& name) {
  const pb::OneofDescriptor* oneof = place.message != nullptr ? place.message->FindOneofByName(name) : nullptr;
  Names fields, given;
  for (int i = 0; oneof != nullptr && i < oneof->field_count(); ++i) fields.push_back(oneof->field(i)->json_name());
  const bool known = place.value != nullptr && place.value->is_object();
  for (auto member = known ? place.value->begin() : Json::const_iterator(); known && member != place.value->end();
       ++member) {
    const auto same = [&](const std::string& field) { return bare_name(field) == bare_name(member.key()); };
    if (std::any_of(fields.begin(), fields.end(), same)) given.push_back(member.key());
  }
  const std::string got = given.size() > 1 ? fmt::format("{}", fmt::join(given, " and ")) : "one twice";
  return fmt::format("one of {} is expected, got {}", listed(fields), got);
}

/// "[pkg.extension]": the library has no extensions in JSON, and takes the dots of their names for a path.
bool is_extension(const Complaint& complaint) {
  for (std::size_t at = 0; (at = complaint.path.find('[', at)) != std::string::npos; ++at) {
    if (at + 1 < complaint.path.size() && std::isdigit(static_cast<unsigned char>(complaint.path[at + 1])) == 0) {
      return complaint.what.starts_with("Cannot find field");
    }
  }
  return false;
}

/// The library begins paths anew inside of an Any.
bool begins_inside_any(const Complaint& complaint, const Json& json) {
  if (!json.is_object() || complaint.what.find("missing field") != std::string::npos) return false;
  if (complaint.path.empty()) {
    return complaint.what.ends_with(" for type Any") && complaint.what.find("@type") == std::string::npos &&
           !complaint.what.starts_with("invalid value Invalid type URL");
  }
  const std::string first = bare_name(complaint.path.substr(0, complaint.path.find_first_of(".[")));
  for (const auto& [key, value] : json.items()) {
    if (bare_name(key) == first) return false;
  }
  return true;
}

std::string inside_any(const Complaint& complaint) {
  if (complaint.path.empty()) return "its value does not fit its \"@type\"";
  const std::size_t dot = complaint.path.rfind('.');
  const bool about_parent = complaint.what.starts_with("Cannot find field");
  JsonPlace place;
  place.name = complaint.path.substr(dot + 1);
  const std::string parent = dot == std::string::npos ? "" : complaint.path.substr(0, dot);
  const bool notation = complaint.what.starts_with("invalid value Field '");  // with the field's name once more
  return at_path(about_parent ? parent : complaint.path,
                 notation
                     ? fmt::format("does not fit {}", type_name(complaint.what.substr(complaint.what.rfind(' ') + 1)))
                     : reworded(place, complaint.what));
}

}  // namespace

std::string json_type_name(const pb::FieldDescriptor& field) {
  if (field.is_map()) return "object";
  if (field.type() == pb::FieldDescriptor::TYPE_BYTES) return "bytes in base64";
  if (field.cpp_type() == pb::FieldDescriptor::CPPTYPE_MESSAGE) return field.message_type()->full_name();
  return field.type_name();
}

std::string short_json(const Json& value) {
  constexpr std::size_t kShown = 60;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() <= kShown ? text : text.substr(0, kShown) + "...";
}

std::string explain_json_error(const pb::Descriptor& type, std::string_view text, std::string_view said) {
  const Complaint complaint = take_apart(said);
  if (is_extension(complaint)) return "extensions cannot be given as JSON; use -format text";
  const Json json = Json::parse(text, nullptr, false);
  if (begins_inside_any(complaint, json)) return "inside of an Any: " + inside_any(complaint);
  const std::string& what = complaint.what;
  if (const std::string key = between(what, "Repeated map key: '", "' is already set"); !key.empty()) {
    const JsonPlace map = follow_json(type, json, complaint.path.substr(0, complaint.path.rfind('[')));
    return fmt::format("{}{}: the key is given twice", map.path, key_in_path(key));
  }
  JsonPlace place = follow_json(type, json, complaint.path);
  if (what == kScalar && place.owner == nullptr) {  // an item of a list: the field is there twice, and a wrong number
    const std::string list = complaint.path.substr(0, complaint.path.rfind('.'));
    place = follow_json(type, json, list.ends_with(']') ? list.substr(0, list.rfind('[')) : list);
  }
  if (const std::string map = between(what, "Cannot bind a list to map for field '", "'"); !map.empty()) {
    return fmt::format("{}: a list, but a map is written as {{...}}", at_member(place, map));
  }
  if (const std::string oneof = between(what, "oneof field '", "' is already set"); !oneof.empty()) {
    return fmt::format("{}: {}", at_member(place, oneof), set_twice(place, oneof));
  }
  return at_path(what.starts_with("Cannot find field") ? place.parent : place.path, reworded(place, what));
}

}  // namespace lgen
