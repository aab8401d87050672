// Protobuf types as plans are written against them: .proto files in, methods and message plans out.
//
// Thread: one at a time; the plans it hands out are immutable and may be read by any.
// Lifetime: everything it hands out lives as long as the Schema.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/embedded.h"
#include "lgen/error.h"
#include "lgen/message_plan.h"
#include "lgen/method_kind.h"

namespace lgen {

/// "unary", "client" (the client streams), "server", "bidi".
std::string_view to_string(MethodKind kind);

struct MethodInfo {
  std::string name;  // "pkg.Service/Method"
  std::string path;  // "/pkg.Service/Method", as HTTP/2 sends it
  MethodKind kind = MethodKind::unary;
  const MessagePlan* input = nullptr;
  const MessagePlan* output = nullptr;
};

/// Where .proto files come from. Searched in this order: import_paths, base_dir, the folders of the listed files,
/// bundled; google/protobuf/*.proto is always there.
struct ProtoFiles {
  std::vector<std::string> files;         // to load, with what they import; a path, or a name below an import path
  std::vector<std::string> import_paths;  // relative ones are below base_dir
  std::string base_dir;                   // the plan's folder; empty: the working directory
  std::span<const EmbeddedFile> bundled;  // "proto/hello.proto" is found as "hello.proto"; must outlive the Schema
};

class Schema {
 public:
  /// Errors carry file:line:column of the .proto file.
  static Result<std::unique_ptr<Schema>> from_files(const ProtoFiles& sources);

  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  /// "pkg.Service/Method", "pkg.Service.Method", either with a leading slash. Errors say what there is instead.
  Result<const MethodInfo*> method(std::string_view name);
  Result<const MessagePlan*> message(std::string_view full_name);
  Result<const EnumPlan*> enumeration(std::string_view full_name);

  /// Full names of what the listed files and their imports define, sorted. Methods as "pkg.Service/Method".
  std::vector<std::string> services() const;
  std::vector<std::string> methods() const;
  std::vector<std::string> messages() const;
  std::vector<std::string> enums() const;

 private:
  class Impl;
  explicit Schema(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
