// Reads one field out of a message's wire bytes, without decoding the rest: by it a reply is told to belong to a
// message.
// Thread: immutable once made.
// Lifetime: the Schema of the message's plan outlives it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/message_plan.h"
#include "lgen/wire.h"

namespace lgen::lua {

/// The value of a field by which messages are told apart: integers, enums and booleans as numbers, the rest as text.
struct FieldValue {
  std::int64_t number = 0;
  std::string text;
  auto operator<=>(const FieldValue&) const = default;
};

class FieldPath {
 public:
  FieldPath() = default;
  /// "id", "header.id": single fields, the last one an integer, an enum, a boolean, a string or bytes.
  static Result<FieldPath> make(const MessagePlan& plan, std::string_view path);

  bool is_text() const;
  /// "streaming.TextRequest.channel_id (int32)".
  std::string describe() const;
  /// False when the bytes are no message of that type. An absent field has its default, 0 or "".
  bool read(std::string_view message, FieldValue& value) const;

 private:
  bool read_step(std::size_t step, std::string_view message, FieldValue& value) const;
  static bool read_value(const FieldPlan& field, WireReader& in, FieldValue& value);

  std::string root_;
  std::vector<const FieldPlan*> steps_;
};

}  // namespace lgen::lua
