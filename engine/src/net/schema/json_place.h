// Where in a message, and in the JSON that was given for it, a path of the protobuf library leads.
//
// The library counts the entries of a map and goes through "key" and "value", "by_name[1].value.count"; people know
// them by their keys, by_name["b"].count. What a path cannot be followed through (an Any) is known by its words alone.
//
// Thread: pure function.
// Lifetime: the place points into the type and the JSON.
#pragma once

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string>

namespace lgen {

struct JsonPlace {
  const google::protobuf::Descriptor* owner = nullptr;       // of the path's last part; nullptr: not known
  const google::protobuf::FieldDescriptor* field = nullptr;  // of the owner, by that part; nullptr: it has none
  const google::protobuf::Descriptor* message = nullptr;     // the type of what is there; nullptr: none, or not known
  const nlohmann::ordered_json* value = nullptr;             // what is there; nullptr: not known
  std::string path;                                          // in people's words; empty: the message itself
  std::string parent;                                        // the same, without the last part
  std::string name;                                          // the last part, as the library says it
  bool is_key = false;                                       // the key of the map's entry at `path`
};

/// `path`: the library's, empty for the message itself.
JsonPlace follow_json(const google::protobuf::Descriptor& type, const nlohmann::ordered_json& json,
                      const std::string& path);

/// By either spelling of its name; nullptr: there is none.
const google::protobuf::FieldDescriptor* find_json_field(const google::protobuf::Descriptor& type,
                                                         const std::string& name);

/// A value of one of google/protobuf/wrappers.proto, which in JSON is what it holds.
bool is_wrapper(const google::protobuf::Descriptor& type);

/// Either spelling of a field's name comes to this.
std::string bare_name(std::string name);

/// [ "key" ] as it stands in a path.
std::string key_in_path(const std::string& key);

}  // namespace lgen
