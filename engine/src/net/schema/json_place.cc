#include "json_place.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Json = nlohmann::ordered_json;

/// "name" or "name[3]".
struct Part {
  std::string name;
  std::optional<std::size_t> index;
};

Part take_apart(const std::string& text) {
  const std::size_t open = text.find('[');
  if (open == std::string::npos) return {text, std::nullopt};
  std::size_t index = 0;
  std::from_chars(text.data() + open + 1, text.data() + text.size(), index);
  return {text.substr(0, open), index};
}

const Json* find_member(const Json* object, const std::string& name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  for (const auto& [key, value] : object->items()) {
    if (bare_name(key) == bare_name(name)) return &value;
  }
  return nullptr;
}

class Walk {
 public:
  Walk(const pb::Descriptor& type, const Json& json) {
    at_.owner = at_.message = &type;
    at_.value = &json;
  }

  void go(const std::string& text) {
    const Part part = take_apart(text);
    const bool in_entry = std::exchange(in_entry_, false);
    if (in_entry && (part.name == "key" || part.name == "value")) return enter_entry(part.name == "key");
    at_.owner = at_.message;
    at_.field = at_.owner != nullptr ? find_json_field(*at_.owner, part.name) : nullptr;
    at_.message = at_.field != nullptr ? at_.field->message_type() : nullptr;
    at_.name = part.name;
    if (at_.owner != nullptr && is_wrapper(*at_.owner) && at_.value != nullptr && !at_.value->is_object()) return;
    at_.parent = at_.path;
    at_.path += (at_.path.empty() ? "" : ".") + part.name;
    at_.value = find_member(at_.value, part.name);
    if (part.index) enter_item(*part.index);
  }

  JsonPlace place() const { return at_; }

 private:
  void enter_entry(bool key) {
    at_.owner = at_.message;
    at_.field = at_.owner == nullptr ? nullptr : key ? at_.owner->map_key() : at_.owner->map_value();
    at_.message = at_.field != nullptr ? at_.field->message_type() : nullptr;
    at_.is_key = key;
  }

  void enter_item(std::size_t index) {
    const bool is_map = at_.field != nullptr && at_.field->is_map();
    const bool known = at_.value != nullptr && at_.value->is_structured() && index < at_.value->size();
    if (!known) at_.value = nullptr;
    in_entry_ = is_map;
    if (!known || !is_map || !at_.value->is_object()) {
      at_.path += fmt::format("[{}]", index);
      if (known && at_.value->is_array()) at_.value = &(*at_.value)[index];
      return;
    }
    const auto entry = std::next(at_.value->begin(), static_cast<std::ptrdiff_t>(index));
    at_.path += key_in_path(entry.key());
    at_.value = &*entry;
  }

  JsonPlace at_;
  bool in_entry_ = false;
};

}  // namespace

JsonPlace follow_json(const pb::Descriptor& type, const Json& json, const std::string& path) {
  Walk walk(type, json);
  for (std::size_t at = 0; !path.empty() && at <= path.size();) {
    const std::size_t dot = std::min(path.find('.', at), path.size());
    walk.go(path.substr(at, dot - at));
    at = dot + 1;
  }
  return walk.place();
}

const pb::FieldDescriptor* find_json_field(const pb::Descriptor& type, const std::string& name) {
  if (const pb::FieldDescriptor* field = type.FindFieldByName(name)) return field;
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->json_name() == name) return type.field(i);
  }
  return nullptr;
}

bool is_wrapper(const pb::Descriptor& type) {
  return type.well_known_type() >= pb::Descriptor::WELLKNOWNTYPE_DOUBLEVALUE &&
         type.well_known_type() <= pb::Descriptor::WELLKNOWNTYPE_BOOLVALUE;
}

std::string bare_name(std::string name) {
  std::erase(name, '_');
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

std::string key_in_path(const std::string& key) {
  return fmt::format("[{}]", Json(key).dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace lgen
