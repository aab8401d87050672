// By hand on the codec's reader and writer: five small messages, and the engine needs no generated code for them.
#include "reflection_wire.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>

#include "lgen/wire.h"

namespace lgen {
namespace {

using Kind = ReflectionQuestion::Kind;

constexpr std::uint32_t kBytes = 2;  // wire type of strings, bytes and messages

void put_text(WireBuffer& buffer, std::uint32_t field, std::string_view text) {
  buffer.put_bytes(text);
  buffer.put_varint(text.size());
  buffer.put_varint(field << 3 | kBytes);
}

/// ExtensionRequest{containing_type = 1, extension_number = 2}; written from its end.
void put_extension(WireBuffer& buffer, const ReflectionQuestion& question) {
  const std::size_t mark = buffer.size();
  buffer.put_varint(static_cast<std::uint64_t>(static_cast<std::int64_t>(question.number)));
  buffer.put_varint(2 << 3);
  put_text(buffer, 1, question.name);
  buffer.put_varint(buffer.size() - mark);
  buffer.put_varint(static_cast<std::uint32_t>(Kind::file_with_extension) << 3 | kBytes);
}

/// Calls `visit(field number, value)` for every field: `text` of strings, bytes and messages, else `value`.
template <class Visit>
bool for_each_field(WireReader& reader, Visit visit) {
  while (!reader.done()) {
    std::uint32_t number = 0;
    WireType type{};
    std::uint64_t value = 0;
    std::string_view text;
    if (!reader.tag(number, type)) return false;
    if (type == WireType::bytes) {
      if (!reader.bytes(text)) return false;
    } else if (type == WireType::varint) {
      if (!reader.varint(value)) return false;
    } else {
      if (!reader.skip(number, type, 0)) return false;
      continue;
    }
    if (!visit(number, type, text, value)) return false;
  }
  return true;
}

using Field = std::uint32_t;

bool read_files(std::string_view bytes, ReflectionAnswer& answer) {
  WireReader reader(bytes);
  return for_each_field(reader, [&](Field field, WireType type, std::string_view text, std::uint64_t) {
    if (field == 1 && type == WireType::bytes) answer.files.emplace_back(text);
    return true;
  });
}

bool read_services(std::string_view bytes, ReflectionAnswer& answer) {
  WireReader list(bytes);
  return for_each_field(list, [&](Field field, WireType type, std::string_view service, std::uint64_t) {
    if (field != 1 || type != WireType::bytes) return true;
    WireReader reader(service);
    return for_each_field(reader, [&](Field inner, WireType inner_type, std::string_view name, std::uint64_t) {
      if (inner == 1 && inner_type == WireType::bytes) answer.services.emplace_back(name);
      return true;
    });
  });
}

/// Packed, as proto3 writes them, or one by one.
bool read_numbers(std::string_view bytes, ReflectionAnswer& answer) {
  WireReader reader(bytes);
  return for_each_field(reader, [&](Field field, WireType type, std::string_view packed, std::uint64_t value) {
    if (field != 2) return true;
    if (type == WireType::varint) answer.extension_numbers.push_back(static_cast<std::int32_t>(value));
    WireReader numbers(packed);
    while (!numbers.done()) {
      if (!numbers.varint(value)) return false;
      answer.extension_numbers.push_back(static_cast<std::int32_t>(value));
    }
    return true;
  });
}

bool read_error(std::string_view bytes, ReflectionAnswer& answer) {
  GrpcStatus& status = answer.error.emplace();
  status.code = GrpcCode::unknown;
  WireReader reader(bytes);
  return for_each_field(reader, [&](Field field, WireType type, std::string_view text, std::uint64_t value) {
    if (field == 1 && type == WireType::varint && value > 0 && value < kGrpcCodes) {
      status.code = static_cast<GrpcCode>(value);
    }
    if (field == 2 && type == WireType::bytes) status.message = text;
    return true;
  });
}

}  // namespace

std::string to_text(const ReflectionQuestion& question) {
  switch (question.kind) {
    case Kind::file_by_name:
      return "file_by_filename " + question.name;
    case Kind::file_with_symbol:
      return "file_containing_symbol " + question.name;
    case Kind::file_with_extension:
      return fmt::format("file_containing_extension {} of {}", question.number, question.name);
    case Kind::extension_numbers:
      return "all_extension_numbers_of_type " + question.name;
    case Kind::services:
      break;
  }
  return "list_services";
}

std::string to_text(const ReflectionAnswer& answer) {
  if (answer.error) return fmt::format("error {}: {}", to_string(answer.error->code), answer.error->message);
  if (!answer.services.empty()) return fmt::format("services {}", fmt::join(answer.services, ", "));
  if (!answer.extension_numbers.empty()) {
    return fmt::format("extension numbers {}", fmt::join(answer.extension_numbers, ", "));
  }
  std::size_t bytes = 0;
  for (const std::string& file : answer.files) bytes += file.size();
  return fmt::format("{} file{} of {} bytes", answer.files.size(), answer.files.size() == 1 ? "" : "s", bytes);
}

std::string encode(const ReflectionQuestion& question) {
  WireBuffer buffer;
  if (question.kind == Kind::file_with_extension) {
    put_extension(buffer, question);
  } else {
    put_text(buffer, static_cast<std::uint32_t>(question.kind), question.name);
  }
  return std::string(buffer.view());
}

Result<ReflectionAnswer> decode_reflection_answer(std::string_view bytes) {
  ReflectionAnswer answer;
  WireReader reader(bytes);
  const bool whole = for_each_field(reader, [&](Field field, WireType type, std::string_view text, std::uint64_t) {
    if (type != WireType::bytes) return true;
    if (field == 4) return read_files(text, answer);
    if (field == 5) return read_numbers(text, answer);
    if (field == 6) return read_services(text, answer);
    return field != 7 || read_error(text, answer);
  });
  if (whole) return answer;
  return make_error(ErrorCode::protocol, "an answer of the server's reflection cannot be decoded");
}

}  // namespace lgen
