// Questions and answers of the public reflection protocol, whose v1 and v1alpha are the same on the wire.
//
// Thread: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/grpc.h"

namespace lgen {

struct ReflectionQuestion {
  /// Numbered as the fields of ServerReflectionRequest.
  enum class Kind : std::uint8_t {
    file_by_name = 3,
    file_with_symbol = 4,
    file_with_extension = 5,
    extension_numbers = 6,
    services = 7
  };
  Kind kind = Kind::services;
  std::string name;         // of the file, the symbol or the message type
  std::int32_t number = 0;  // of the extension
};

/// One of the four; an answer that is none of them has nothing in it.
struct ReflectionAnswer {
  std::vector<std::string> files;  // serialized google.protobuf.FileDescriptorProto
  std::vector<std::string> services;
  std::vector<std::int32_t> extension_numbers;
  std::optional<GrpcStatus> error;
};

/// For people: "file_containing_symbol pkg.Service"; "2 files", "services a.A, b.B", "error NOT_FOUND: ...".
std::string to_text(const ReflectionQuestion& question);
std::string to_text(const ReflectionAnswer& answer);

std::string encode(const ReflectionQuestion& question);
Result<ReflectionAnswer> decode_reflection_answer(std::string_view bytes);

}  // namespace lgen
