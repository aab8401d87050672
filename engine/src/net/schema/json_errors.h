// What the protobuf library says about JSON that does not fit a message, in words that name the field, what was
// expected and what there is instead.
//
// Thread: pure functions.
#pragma once

#include <google/protobuf/descriptor.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lgen {

/// `said`: the message of the library's status about `text`, such as "(a.b[0]) nope: Cannot find field.".
std::string explain_json_error(const google::protobuf::Descriptor& type, std::string_view text, std::string_view said);

/// How a value of the field is called, one of them where there are several: "int32", "pkg.Message".
std::string json_type_name(const google::protobuf::FieldDescriptor& field);

/// A value as it reads in an error, cut short.
std::string short_json(const nlohmann::ordered_json& value);

}  // namespace lgen
