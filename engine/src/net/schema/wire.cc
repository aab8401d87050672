#include "lgen/wire.h"

#include <fmt/format.h>

#include <algorithm>

namespace lgen {
namespace {

constexpr std::string_view kTruncated = "the message ends in the middle of a value";

constexpr std::ptrdiff_t kLongestTag = 5;

std::string_view describe(WireType type) {
  constexpr std::string_view kNames[] = {"a varint", "8 bytes", "length and bytes", "a group", "", "4 bytes"};
  return kNames[static_cast<std::size_t>(type)];
}

}  // namespace

void Fault::prepend(std::string_view part) {
  const std::size_t count = std::min(part.size(), begin_);
  begin_ -= count;
  std::memcpy(text_ + begin_, part.data() + (part.size() - count), count);
}

bool Fault::fail(std::string_view what) {
  begin_ = kRoom;
  has_path_ = false;
  prepend(what.substr(0, kRoom / 2));  // the other half belongs to the path
  return false;
}

bool Fault::in_key() {
  prepend("key: ");
  return false;
}

bool Fault::in_field(const FieldPlan& field) {
  if (!has_path_) prepend(": ");
  has_path_ = true;
  prepend(field.name);
  prepend(".");
  return false;
}

bool Fault::in_item(std::size_t shown_index) {
  if (!has_path_) prepend(": ");
  has_path_ = true;
  prepend(fmt::format("[{}]", shown_index));
  return false;
}

bool Fault::in_entry(std::string_view shown_key) {
  if (!has_path_) prepend(": ");
  has_path_ = true;
  prepend(fmt::format("[{}]", shown_key));
  return false;
}

bool Fault::in_message(const MessagePlan& plan) {
  if (!has_path_) prepend(": ");
  has_path_ = true;
  prepend(plan.name);
  return false;
}

void WireBuffer::reallocate(std::size_t count) {
  const std::size_t used = size();
  const std::size_t room =
      std::max<std::size_t>({256, used + count, 2 * static_cast<std::size_t>(end_ - storage_.get())});
  std::unique_ptr<std::uint8_t[]> bigger(new std::uint8_t[room]);
  if (used > 0) std::memcpy(bigger.get() + room - used, head_, used);
  storage_ = std::move(bigger);
  end_ = storage_.get() + room;
  head_ = end_ - used;
}

bool WireReader::long_varint(std::uint64_t& value) {
  constexpr std::ptrdiff_t kLongest = 10;
  const std::uint8_t* const stop = end_ - at_ < kLongest ? end_ : at_ + kLongest;
  std::uint64_t result = 0;
  unsigned shift = 0;
  const std::uint8_t* at = at_;
  while (at != stop) {
    const std::uint64_t byte = *at++;
    result |= (byte & 0x7F) << shift;
    shift += 7;
    if (byte >= 0x80) continue;
    if (shift == 70 && byte > 1) break;
    at_ = at;
    value = result;
    return true;
  }
  return fail(at - at_ < kLongest ? kTruncated : "a varint of more than 64 bits");
}

// Tags and lengths have 32 bits, and protobuf reads no more bytes than those need.
bool WireReader::long_length(std::uint64_t& value) {
  const std::uint8_t* const begin = at_;
  if (!long_varint(value)) return false;
  return at_ - begin <= kLongestTag || value > left() || fail("a length of more than 5 bytes");
}

bool WireReader::long_tag(std::uint32_t& number, WireType& type) {
  const std::uint8_t* const begin = at_;
  std::uint64_t raw = 0;
  if (!varint(raw)) return false;
  if (raw > 0xFFFFFFFF || raw < 8 || at_ - begin > kLongestTag) return fail("a tag without a valid field number");
  if ((raw & 7) > 5) return fail("a tag with a wire type that does not exist");
  number = static_cast<std::uint32_t>(raw >> 3);
  type = static_cast<WireType>(raw & 7);
  return true;
}

bool WireReader::skip(std::uint32_t number, WireType type, int nesting) {
  std::uint64_t u64 = 0;
  std::uint32_t u32 = 0;
  std::string_view text;
  switch (type) {
    case WireType::varint:
      return varint(u64);
    case WireType::fixed64:
      return fixed64(u64);
    case WireType::bytes:
      return bytes(text);
    case WireType::fixed32:
      return fixed32(u32);
    case WireType::start_group:
      return skip_group(number, nesting + 1);
    case WireType::end_group:
      break;
  }
  return fail("end of a group that was not begun");
}

bool WireReader::skip_group(std::uint32_t number, int nesting) {
  if (nesting > kMaxNesting) return fail("groups nested deeper than 100");
  while (!done()) {
    std::uint32_t inner = 0;
    WireType type{};
    if (!tag(inner, type)) return false;
    if (type == WireType::end_group) return inner == number || fail("end of a group that was not begun");
    if (!skip(inner, type, nesting)) return false;
  }
  return fail("the message ends inside a group");
}

std::string wire_type_mismatch(const FieldPlan& field, WireType type) {
  return fmt::format("{} expected, got {} on the wire; does the .proto file fit the peer?", field.type_name(),
                     type == WireType::end_group ? "the end of a group" : describe(type));
}

}  // namespace lgen
