#include "bench_binary.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include "lgen/message_json.h"

namespace lgen::cli {
namespace {

/// Takes it off the front of `bytes`.
std::optional<std::uint64_t> take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

/// Nothing when the lengths do not add up.
std::optional<std::vector<std::string>> split_by_lengths(std::string_view bytes) {
  std::vector<std::string> messages;
  while (!bytes.empty()) {
    const auto size = take_varint(bytes);
    if (!size || *size > bytes.size()) return std::nullopt;
    messages.emplace_back(bytes.substr(0, *size));
    bytes.remove_prefix(*size);
  }
  return messages;
}

}  // namespace

Result<std::vector<std::string>> binary_messages(std::string_view bytes, const Schema& schema,
                                                 const std::string& type) {
  if (bytes.empty()) return make_error(ErrorCode::invalid_argument, "there are no bytes");
  const MessageText texts(schema);
  if (auto messages = split_by_lengths(bytes)) {
    bool all = true;
    for (const std::string& message : *messages) all = all && texts.from_wire(type, message).ok();
    if (all) return *std::move(messages);
  }
  if (const auto one = texts.from_wire(type, bytes); !one) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("the bytes are no {}, nor several of them with their lengths in front: {}", type,
                                  one.error().message));
  }
  return std::vector<std::string>{std::string(bytes)};
}

}  // namespace lgen::cli
