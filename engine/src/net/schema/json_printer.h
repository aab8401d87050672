// A message as JSON in protobuf's mapping, two blanks a level.
//
// The library's own printer garbles groups, drops extensions, and gives up on messages nested more than 64 deep. What a
// server has sent can be printed here, all of it: printing does not fail. The library's still writes what has a
// notation of its own: times, field masks, and strings with anything in them that is escaped.
//
// Thread: one at a time.
// Lifetime: `lookup` and `factory` outlive it.
#pragma once

#include <google/protobuf/dynamic_message.h>

#include <string>
#include <string_view>
#include <vector>

#include "type_lookup.h"

namespace lgen {

class JsonPrinter {
 public:
  /// `emit_defaults`: fields that have their default are printed, too, unless they know whether they are set.
  JsonPrinter(const TypeLookup& lookup, google::protobuf::DynamicMessageFactory& factory, bool emit_defaults)
      : lookup_(lookup), factory_(factory), emit_defaults_(emit_defaults) {}

  /// An Any of an unknown type shows its bytes as "@value".
  std::string print(const google::protobuf::Message& message) const;

 private:
  using Message = google::protobuf::Message;
  using Field = google::protobuf::FieldDescriptor;
  class Block;

  void message(const Message& message, int depth, std::string& out) const;
  bool in_own_notation(const Message& message, int depth, std::string& out) const;
  void any_kind(const Message& message, int depth, std::string& out) const;
  void fields(const Message& message, int depth, Block& block) const;
  void field(const Message& message, const Field& field, int depth, std::string& out) const;
  void list(const Message& message, const Field& field, int depth, std::string& out) const;
  void map(const Message& message, const Field& field, int depth, std::string& out) const;
  /// `index`: of a repeated field, else -1.
  void value(const Message& message, const Field& field, int index, int depth, std::string& out) const;
  void any(const Message& message, int depth, std::string& out) const;
  std::string scalar(const Message& message, const Field& field, int index) const;
  std::string text(std::string_view text) const;
  std::string by_library(const std::string& type, const std::string& wire) const;
  std::vector<const Field*> shown(const Message& message) const;

  const TypeLookup& lookup_;
  google::protobuf::DynamicMessageFactory& factory_;
  const bool emit_defaults_;
};

}  // namespace lgen
