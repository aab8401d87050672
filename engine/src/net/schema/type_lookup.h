// Where a type named in a google.protobuf.Any is looked for: the schema, then the public error details, then what comes
// with protobuf.
//
// Thread: one at a time.
// Lifetime: the schema's pool outlives it.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/type_resolver.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace lgen {

/// What every type URL begins with; the part before the slash says nothing.
inline constexpr const char* kTypeDomain = "type.googleapis.com";

/// google/rpc/status.proto and error_details.proto, compiled in.
const google::protobuf::DescriptorPool& rpc_status_pool();

class TypeLookup {
 public:
  explicit TypeLookup(const google::protobuf::DescriptorPool& schema);
  ~TypeLookup();

  /// nullptr when there is none; the schema's type comes first.
  const google::protobuf::Descriptor* find(std::string_view full_name) const;
  /// "type.googleapis.com/pkg.Message" -> its type.
  const google::protobuf::Descriptor* find_url(std::string_view url) const;

  /// For the library's JSON, which cannot read groups: they pass for messages.
  google::protobuf::util::TypeResolver& resolver() const { return *resolver_; }

 private:
  class Chain;
  std::array<const google::protobuf::DescriptorPool*, 3> pools_;
  std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

}  // namespace lgen
