// What a Schema is made of, for those in net that need protobuf's own view of the types (JSON, `describe`).
//
// Thread: one at a time; protobuf's descriptors may be read by any.
// Lifetime: descriptors live as long as the Schema.
#pragma once

#include <google/protobuf/descriptor.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "descriptor_set.h"
#include "lgen/schema.h"
#include "plan_compiler.h"

namespace lgen {

class Schema::Impl {
 public:
  explicit Impl(DescriptorSet set);

  /// Makes the Schema of what any of the sources has found.
  static std::unique_ptr<Schema> make_schema(DescriptorSet set);

  const google::protobuf::DescriptorPool& pool() const { return *set_.pool; }
  /// The files asked for and all they import, each once.
  const std::vector<const google::protobuf::FileDescriptor*>& files() const { return all_files_; }
  /// Services a server has but does not describe, each with what it said.
  const std::map<std::string, std::string>& undescribed() const { return set_.undescribed; }

  /// Full names, sorted.
  std::vector<std::string> services() const;
  std::vector<std::string> messages() const;
  std::vector<std::string> enums() const;

  /// "no service 'pkg.Svc' (did you mean 'pkg.Service'?)", or what there is.
  Error unknown(std::string_view what, std::string_view name, const std::vector<std::string>& known) const;
  Result<const google::protobuf::ServiceDescriptor*> find_service(std::string_view name) const;
  /// By any of its names; see Schema::method.
  Result<const google::protobuf::MethodDescriptor*> find_method(std::string_view name) const;
  Result<const MethodInfo*> plan_method(const google::protobuf::MethodDescriptor* descriptor);

  PlanCompiler plans;

 private:
  void add_file(const google::protobuf::FileDescriptor* file);

  DescriptorSet set_;
  std::vector<const google::protobuf::FileDescriptor*> all_files_;
  std::set<const google::protobuf::FileDescriptor*> known_files_;
  std::map<std::string, MethodInfo> methods_;  // by name
};

/// The type and all that is nested in it, entries of maps left out.
void visit_messages(const google::protobuf::Descriptor* type,
                    const std::function<void(const google::protobuf::Descriptor*)>& visit);

/// A name that differs from `word` only in its package, else the nearest one, else "".
std::string_view nearest_name(std::string_view word, const std::vector<std::string>& names);

}  // namespace lgen
