// What is wrong with a text as JSON before any type is looked at: its syntax, a key given twice, a number that no
// double holds.
//
// Thread: pure function.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace lgen {

/// Empty: nothing. The type only gives paths the names of its fields.
std::string json_text_problem(const google::protobuf::Descriptor& type, std::string_view text);

}  // namespace lgen
