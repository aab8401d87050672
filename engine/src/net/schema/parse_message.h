// Wire bytes as a message of the protobuf library, nested deeper than the library takes of its own accord.
//
// Thread: pure function.
#pragma once

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <string_view>

namespace lgen {

/// Messages in messages. JSON of the 100 objects that may be sent comes to 300 of them, where they are a Struct's;
/// every level costs the stack about a kilobyte.
inline constexpr int kMaxMessageDepth = 500;

/// Required fields may be missing. False: the bytes are no such message, or nested too deep.
inline bool parse_message(std::string_view wire, google::protobuf::Message& message) {
  google::protobuf::io::CodedInputStream stream(reinterpret_cast<const std::uint8_t*>(wire.data()),
                                                static_cast<int>(wire.size()));
  stream.SetRecursionLimit(kMaxMessageDepth);
  return message.ParsePartialFromCodedStream(&stream) && stream.ConsumedEntireMessage();
}

}  // namespace lgen
