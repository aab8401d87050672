// Protobuf types as plans are written against them: .proto files, a descriptor set or a server's reflection in, methods
// and message plans out.
//
// Thread: one at a time; the plans it hands out are immutable and may be read by any.
// Lifetime: everything it hands out lives as long as the Schema.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/embedded.h"
#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/message_plan.h"
#include "lgen/method_kind.h"
#include "lgen/op.h"
#include "lgen/time.h"

namespace lgen {

/// "unary", "client" (the client streams), "server", "bidi".
std::string_view to_string(MethodKind kind);

/// "pkg.Service/Method" of "pkg.Service/Method" or "pkg.Service.Method", either with a leading slash.
Result<std::string> canonical_method_name(std::string_view name);

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

/// How a server is asked for its types.
struct ReflectionOptions {
  Metadata metadata;                            // of the reflection calls
  Duration timeout = std::chrono::seconds(30);  // for all of it; zero: none
  bool wait_for_ready = false;                  // false: a server that cannot be reached is an error at once
  /// Gets the path of each call, what is asked ("> ...") and what comes ("< ..."), as lines to print; may be empty.
  std::function<void(std::string_view line)> trace;
  /// Gets the status of a stream that failed with one; called before the result is handed over; may be empty.
  std::function<void(GrpcCode code)> failed;
  // What errors advise to give instead, in the words of who asks: "--proto FILE".
  std::string instead = ".proto files or a descriptor set";
};

class Schema {
 public:
  using Loaded = std::function<void(Result<std::unique_ptr<Schema>>)>;

  /// Errors carry file:line:column of the .proto file.
  static Result<std::unique_ptr<Schema>> from_files(const ProtoFiles& sources);

  /// Serialized FileDescriptorSets, as `protoc --include_imports --descriptor_set_out` writes them; relative paths are
  /// below base_dir (empty: the working directory). All files of all sets are one Schema.
  static Result<std::unique_ptr<Schema>> from_protoset(const std::vector<std::string>& paths,
                                                       const std::string& base_dir = "");

  /// What the server at the other end says of itself: grpc.reflection.v1, or v1alpha where it knows no other. Services
  /// it lists but cannot describe are no error until they are used. Completes as op.h says; `channel` must live until
  /// then.
  static Op from_reflection(GrpcChannel& channel, const ReflectionOptions& options, Loaded done);

  ~Schema();
  Schema(const Schema&) = delete;
  Schema& operator=(const Schema&) = delete;

  /// Any form that canonical_method_name takes. Errors say what there is instead.
  Result<const MethodInfo*> method(std::string_view name);
  Result<const MessagePlan*> message(std::string_view full_name);
  Result<const EnumPlan*> enumeration(std::string_view full_name);

  /// Full names of what the files asked for and their imports define, sorted. Methods as "pkg.Service/Method". Services
  /// also hold those that a server lists but does not describe.
  std::vector<std::string> services() const;
  std::vector<std::string> methods() const;
  std::vector<std::string> messages() const;
  std::vector<std::string> enums() const;

  /// The .proto text of a service, method, message, field, oneof, enum, enum value or extension by its full name,
  /// below a line that says which it is: "hello.Hello is a service:\nservice Hello {...}". Ends without a line break.
  Result<std::string> describe(std::string_view symbol) const;

  /// A serialized FileDescriptorSet of everything, imports first.
  std::string to_protoset() const;

  /// For net only (src/net/schema/schema_impl.h): protobuf's own view of the types.
  class Impl;
  Impl& impl() const { return *impl_; }

 private:
  explicit Schema(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace lgen
