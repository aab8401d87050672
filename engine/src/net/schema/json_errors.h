// What the protobuf library says about JSON that does not fit a message, in words that name the field, what was
// expected and what there is instead.
//
// Thread: pure functions.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace lgen {

/// `said`: the message of the library's status about `text`, such as "(a.b[0]) nope: Cannot find field.".
std::string explain_json_error(const google::protobuf::Descriptor& type, std::string_view text, std::string_view said);

/// What is wrong with `text` as JSON, with line and column; empty: nothing.
std::string json_syntax_error(std::string_view text);

}  // namespace lgen
