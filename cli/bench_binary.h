// Messages that are already in wire format, as ghz's -b and -B take them.
// Thread: pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/schema.h"

namespace lgen::cli {

/// The bytes are one message, or several with the length as a varint in front of each; the latter is believed where
/// all lengths add up and all messages can be read. Errors say what is wrong with the bytes as one message.
Result<std::vector<std::string>> binary_messages(std::string_view bytes, const Schema& schema, const std::string& type);

}  // namespace lgen::cli
