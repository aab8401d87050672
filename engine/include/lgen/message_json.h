// Messages as people write them, JSON or protobuf's text format, to the wire and back. By the protobuf library, which
// is exact and slow; what a load is made of goes through codec.h. Thread: one at a time. Lifetime: the schema outlives
// it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/schema.h"

namespace lgen {

enum class MessageFormat { json, text };

struct MessageTextOptions {
  MessageFormat format = MessageFormat::json;
  bool emit_defaults = false;         // JSON: print fields that have their default, too
  bool allow_unknown_fields = false;  // skip what the type does not have instead of refusing it
};

/// Types are full names, "pkg.Message".
class MessageText {
 public:
  explicit MessageText(const Schema& schema, MessageTextOptions options = {});
  ~MessageText();
  MessageText(const MessageText&) = delete;
  MessageText& operator=(const MessageText&) = delete;

  /// Errors name the path of the field, or line and column where the text itself is broken.
  Result<std::string> to_wire(std::string_view type, std::string_view text) const;
  /// Several lines, without the last newline. An Any of an unknown type shows its bytes as "@value".
  Result<std::string> from_wire(std::string_view type, std::string_view wire) const;

  /// The error details in the bytes of grpc-status-details-bin, one text each; empty when there are none.
  std::vector<std::string> status_details(std::string_view details_bin) const;
  /// The whole google.rpc.Status of a failed call; `details_bin` may be empty.
  std::string status(int code, std::string_view message, std::string_view details_bin) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

enum class TemplateSyntax { json, text, lua };

/// A message of the type to start from: every field once, of a oneof the first.
Result<std::string> message_template(const Schema& schema, std::string_view type, TemplateSyntax syntax);

}  // namespace lgen
