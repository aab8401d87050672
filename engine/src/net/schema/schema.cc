#include "lgen/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "lgen/units.h"
#include "plan_compiler.h"
#include "proto_files.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
using Names = std::vector<std::string>;

constexpr std::size_t kShownNames = 12;

MethodKind kind_of(const pb::MethodDescriptor* method) {
  if (method->client_streaming()) return method->server_streaming() ? MethodKind::bidi : MethodKind::client;
  return method->server_streaming() ? MethodKind::server : MethodKind::unary;
}

std::string_view last_part(std::string_view full_name) { return full_name.substr(full_name.rfind('.') + 1); }

/// A name that differs only in its package, else the nearest one.
std::string_view nearest(std::string_view word, const Names& names) {
  const auto same = std::find_if(names.begin(), names.end(),
                                 [&](const std::string& name) { return last_part(name) == last_part(word); });
  return same != names.end() ? std::string_view(*same) : did_you_mean(word, names);
}

std::string listed(const Names& names) {
  if (names.empty()) return "none";
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShownNames));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (names.size() > kShownNames) text += fmt::format(" and {} more", names.size() - kShownNames);
  return text;
}

Error unknown(std::string_view what, std::string_view name, const Names& known) {
  const std::string_view hint = nearest(name, known);
  return make_error(ErrorCode::not_found,
                    hint.empty() ? fmt::format("no {} '{}' (the files have: {})", what, name, listed(known))
                                 : fmt::format("no {} '{}' (did you mean '{}'?)", what, name, hint));
}

Error unknown_method(const pb::ServiceDescriptor* service, std::string_view name) {
  Names known;
  for (int i = 0; i < service->method_count(); ++i) known.push_back(service->method(i)->name());
  return make_error(ErrorCode::not_found, fmt::format("service {} has no method '{}' (it has: {})",
                                                      service->full_name(), name, listed(known)));
}

void visit_messages(const pb::Descriptor* type, const std::function<void(const pb::Descriptor*)>& visit) {
  if (type->options().map_entry()) return;
  visit(type);
  for (int i = 0; i < type->nested_type_count(); ++i) visit_messages(type->nested_type(i), visit);
}

Names sorted(Names names) {
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string_view to_string(MethodKind kind) {
  constexpr std::string_view kNames[] = {"unary", "client", "server", "bidi"};
  return kNames[static_cast<std::size_t>(kind)];
}

class Schema::Impl {
 public:
  explicit Impl(DescriptorSet set) : set_(std::move(set)) {
    for (const pb::FileDescriptor* file : set_.files) add_file(file);
  }

  Result<const MethodInfo*> method(const pb::MethodDescriptor* descriptor) {
    const auto input = plans.message(descriptor->input_type());
    const auto output = plans.message(descriptor->output_type());
    if (!input) return input.error();
    if (!output) return output.error();
    const std::string name = descriptor->service()->full_name() + "/" + descriptor->name();
    return &methods_.try_emplace(name, MethodInfo{name, "/" + name, kind_of(descriptor), *input, *output})
                .first->second;
  }

  const pb::DescriptorPool& pool() const { return *set_.pool; }
  const std::vector<const pb::FileDescriptor*>& files() const { return all_files_; }

  PlanCompiler plans;

 private:
  void add_file(const pb::FileDescriptor* file) {
    if (!known_files_.insert(file).second) return;
    all_files_.push_back(file);
    for (int i = 0; i < file->dependency_count(); ++i) add_file(file->dependency(i));
  }

  DescriptorSet set_;
  std::vector<const pb::FileDescriptor*> all_files_;  // with imports
  std::set<const pb::FileDescriptor*> known_files_;
  std::map<std::string, MethodInfo> methods_;  // by name
};

Result<std::unique_ptr<Schema>> Schema::from_files(const ProtoFiles& sources) {
  Result<DescriptorSet> set = load_proto_files(sources);
  if (!set) return set.error();
  return std::unique_ptr<Schema>(new Schema(std::make_unique<Impl>(*std::move(set))));
}

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::~Schema() = default;

Result<const MethodInfo*> Schema::method(std::string_view name) {
  std::string_view plain = name.starts_with('/') ? name.substr(1) : name;
  const std::size_t slash = plain.find('/');
  const std::size_t split = slash != std::string_view::npos ? slash : plain.rfind('.');
  if (split == std::string_view::npos || split == 0 || split + 1 == plain.size()) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("'{}' is no method name; write \"package.Service/Method\"", name));
  }
  const std::string service_name{plain.substr(0, split)};
  const std::string method_name{plain.substr(split + 1)};
  const pb::ServiceDescriptor* service = impl_->pool().FindServiceByName(service_name);
  if (service == nullptr) return unknown("service", service_name, services());
  const pb::MethodDescriptor* method = service->FindMethodByName(method_name);
  if (method == nullptr) return unknown_method(service, method_name);
  return impl_->method(method);
}

Result<const MessagePlan*> Schema::message(std::string_view full_name) {
  const pb::Descriptor* type = impl_->pool().FindMessageTypeByName(std::string(full_name));
  if (type == nullptr) return unknown("message type", full_name, messages());
  return impl_->plans.message(type);
}

Result<const EnumPlan*> Schema::enumeration(std::string_view full_name) {
  const pb::EnumDescriptor* type = impl_->pool().FindEnumTypeByName(std::string(full_name));
  if (type == nullptr) return unknown("enum", full_name, enums());
  return impl_->plans.enumeration(type);
}

Names Schema::services() const {
  Names names;
  for (const pb::FileDescriptor* file : impl_->files()) {
    for (int i = 0; i < file->service_count(); ++i) names.push_back(file->service(i)->full_name());
  }
  return sorted(std::move(names));
}

Names Schema::methods() const {
  Names names;
  for (const std::string& name : services()) {
    const pb::ServiceDescriptor* service = impl_->pool().FindServiceByName(name);
    for (int i = 0; i < service->method_count(); ++i) names.push_back(name + "/" + service->method(i)->name());
  }
  return sorted(std::move(names));
}

Names Schema::messages() const {
  Names names;
  const auto add = [&](const pb::Descriptor* type) { names.push_back(type->full_name()); };
  for (const pb::FileDescriptor* file : impl_->files()) {
    for (int i = 0; i < file->message_type_count(); ++i) visit_messages(file->message_type(i), add);
  }
  return sorted(std::move(names));
}

Names Schema::enums() const {
  Names names;
  const auto add = [&](const pb::EnumDescriptor* type) { names.push_back(type->full_name()); };
  for (const pb::FileDescriptor* file : impl_->files()) {
    for (int i = 0; i < file->enum_type_count(); ++i) add(file->enum_type(i));
    for (int i = 0; i < file->message_type_count(); ++i) {
      visit_messages(file->message_type(i), [&](const pb::Descriptor* type) {
        for (int j = 0; j < type->enum_type_count(); ++j) add(type->enum_type(j));
      });
    }
  }
  return sorted(std::move(names));
}

}  // namespace lgen
