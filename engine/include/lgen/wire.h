// The protobuf wire format below the level of messages: a buffer written backwards, a reader, and the fault they
// report.
//
// Thread: values of one owner.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "lgen/error.h"
#include "lgen/message_plan.h"

namespace lgen {

inline constexpr int kMaxNesting = 100;  // protobuf's own default
inline constexpr std::string_view kTooDeepToWrite = "nested deeper than 100 messages";

/// Why a message could not be read or written, and in which field. It has no destructor and allocates nothing, so a
/// binding may keep it across calls that leave by longjmp. What does not fit into the room is cut off at the front.
class Fault {
 public:
  Fault() { text_[0] = 0; }  // the rest stays as it is: a message that is in order never touches it

  /// Sets the reason. Returns false, so that `return fault.fail(...)` reads well.
  bool fail(std::string_view what);

  /// Says that it is a map's key which is wrong; goes before the path.
  bool in_key();

  /// These put a step of the path in front while the calls return: ".name", "[3]", "[\"key\"]", "pkg.Message".
  bool in_field(const FieldPlan& field);
  bool in_item(std::size_t shown_index);
  bool in_entry(std::string_view shown_key);
  bool in_message(const MessagePlan& plan);

  /// "streaming.TextRequest.channel_id: int32 expected, got string \"3\"".
  std::string_view text() const { return {text_ + begin_, kRoom - begin_}; }
  Error to_error(ErrorCode code) const { return make_error(code, std::string(text())); }

 private:
  static constexpr std::size_t kRoom = 600;
  void prepend(std::string_view part);

  char text_[kRoom];
  std::size_t begin_ = kRoom;
  bool has_path_ = false;
};

/// Bytes written from the end to the front, because the length of a sub-message is known only once it is written.
/// Made once, used for many messages: clear() keeps the memory.
class WireBuffer {
 public:
  std::size_t size() const { return static_cast<std::size_t>(end_ - head_); }
  std::string_view view() const { return {reinterpret_cast<const char*>(head_), size()}; }
  void clear() { head_ = end_; }

  /// Back to an earlier size().
  void rewind(std::size_t size) { head_ = end_ - size; }
  /// Whether all that was written since size() was `mark` is zero bytes (or nothing).
  bool zero_since(std::size_t mark) const;

  void put_byte(std::uint8_t byte) { *grow_head(1) = byte; }
  void put_bytes(std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(grow_head(bytes.size()), bytes.data(), bytes.size());
  }
  void put_fixed32(std::uint32_t value);
  void put_fixed64(std::uint64_t value);
  void put_varint(std::uint64_t value);
  void put_tag(const FieldPlan& field) {
    if (field.tag_size == 1) return put_byte(field.tag[0]);
    std::memcpy(grow_head(field.tag_size), field.tag.data(), field.tag_size);
  }

 private:
  std::uint8_t* grow_head(std::size_t count) {
    if (static_cast<std::size_t>(head_ - storage_.get()) < count) reallocate(count);
    return head_ -= count;
  }
  void reallocate(std::size_t count);

  std::unique_ptr<std::uint8_t[]> storage_;
  std::uint8_t* head_ = nullptr;
  std::uint8_t* end_ = nullptr;
};

/// Reads forwards over bytes that somebody else owns. After a false, problem() says why.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : at_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(at_ + bytes.size()) {}

  bool done() const { return at_ == end_; }
  std::string_view problem() const { return problem_; }
  const char* position() const { return reinterpret_cast<const char*>(at_); }

  bool varint(std::uint64_t& value) {
    if (at_ == end_ || *at_ >= 0x80) return long_varint(value);
    value = *at_++;
    return true;
  }
  bool fixed32(std::uint32_t& value);
  bool fixed64(std::uint64_t& value);
  /// A length and as many bytes.
  bool bytes(std::string_view& value);
  /// Field number 0 and the wire types 6 and 7 are refused.
  bool tag(std::uint32_t& number, WireType& type) {
    if (at_ == end_ || *at_ >= 0x80 || *at_ < 8 || (*at_ & 7) > 5) return long_tag(number, type);
    number = *at_ >> 3;
    type = static_cast<WireType>(*at_++ & 7);
    return true;
  }
  /// Passes over the value of an unknown field; `nesting`: groups around it so far.
  bool skip(std::uint32_t number, WireType type, int nesting);

  /// Whether a tag equal to the one in `field` follows; if so it is passed over.
  bool next_is(const FieldPlan& field) {
    if (left() < field.tag_size || std::memcmp(at_, field.tag.data(), field.tag_size) != 0) return false;
    at_ += field.tag_size;
    return true;
  }

  /// The same for a tag of one byte, which fields 1 to 15 have; there is something left.
  bool next_byte_is(const FieldPlan& field) {
    if (*at_ != field.tag[0] || field.tag_size != 1) return false;
    ++at_;
    return true;
  }

  bool fail(std::string_view problem) {
    problem_ = problem;
    return false;
  }

 private:
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }
  bool long_varint(std::uint64_t& value);
  bool long_length(std::uint64_t& value);
  bool long_tag(std::uint32_t& number, WireType& type);
  bool skip_group(std::uint32_t number, int nesting);

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  std::string_view problem_;
};

bool is_utf8(std::string_view text);

/// "int32 expected, got length and bytes on the wire; ...".
std::string wire_type_mismatch(const FieldPlan& field, WireType type);

inline std::uint32_t zigzag32(std::int32_t v) {
  return (static_cast<std::uint32_t>(v) << 1) ^ static_cast<std::uint32_t>(v >> 31);
}
inline std::uint64_t zigzag64(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
inline std::int32_t unzigzag32(std::uint32_t v) { return static_cast<std::int32_t>((v >> 1) ^ (0U - (v & 1))); }
inline std::int64_t unzigzag64(std::uint64_t v) { return static_cast<std::int64_t>((v >> 1) ^ (0ULL - (v & 1))); }

static_assert(std::endian::native == std::endian::little, "fixed-size values are copied as they lie in memory");

inline void WireBuffer::put_fixed32(std::uint32_t value) { std::memcpy(grow_head(4), &value, 4); }
inline void WireBuffer::put_fixed64(std::uint64_t value) { std::memcpy(grow_head(8), &value, 8); }

inline void WireBuffer::put_varint(std::uint64_t value) {
  if (value < 0x80) return put_byte(static_cast<std::uint8_t>(value));
  const auto size = static_cast<std::size_t>((std::bit_width(value) + 6) / 7);
  std::uint8_t* out = grow_head(size);
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<std::uint8_t>(value | 0x80);
  *out = static_cast<std::uint8_t>(value);
}

inline bool WireBuffer::zero_since(std::size_t mark) const {
  for (const std::uint8_t* at = head_; at != end_ - mark; ++at) {
    if (*at != 0) return false;
  }
  return true;
}

inline bool WireReader::fixed32(std::uint32_t& value) {
  if (left() < 4) return fail("the message ends in the middle of a value");
  std::memcpy(&value, at_, 4);
  at_ += 4;
  return true;
}

inline bool WireReader::fixed64(std::uint64_t& value) {
  if (left() < 8) return fail("the message ends in the middle of a value");
  std::memcpy(&value, at_, 8);
  at_ += 8;
  return true;
}

inline bool WireReader::bytes(std::string_view& value) {
  std::uint64_t size = 0;
  if (at_ != end_ && *at_ < 0x80) {
    size = *at_++;
  } else if (!long_length(size)) {
    return false;
  }
  if (size > left()) return fail("the message ends in the middle of a value");
  value = {reinterpret_cast<const char*>(at_), static_cast<std::size_t>(size)};
  at_ += size;
  return true;
}

}  // namespace lgen
