#include "lgen/schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "lgen/units.h"
#include "proto_files.h"
#include "protobuf_log.h"
#include "protoset.h"
#include "schema_impl.h"

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

std::string listed(const Names& names) {
  if (names.empty()) return "none";
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kShownNames));
  std::string text = fmt::format("{}", fmt::join(names.begin(), end, ", "));
  if (names.size() > kShownNames) text += fmt::format(" and {} more", names.size() - kShownNames);
  return text;
}

Error unknown_method(const pb::ServiceDescriptor* service, std::string_view name) {
  Names known;
  for (int i = 0; i < service->method_count(); ++i) known.push_back(service->method(i)->name());
  const std::string_view hint = known.size() > kShownNames ? did_you_mean(name, known) : std::string_view();
  return make_error(ErrorCode::not_found,
                    fmt::format("service {} has no method '{}' ({})", service->full_name(), name,
                                hint.empty() ? "it has: " + listed(known) : fmt::format("did you mean '{}'?", hint)));
}

Names sorted(Names names) {
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::unique_ptr<Schema>> schema_of(Result<DescriptorSet> set) {
  if (!set) return set.error();
  return Schema::Impl::make_schema(*std::move(set));
}

}  // namespace

std::string_view to_string(MethodKind kind) {
  constexpr std::string_view kNames[] = {"unary", "client", "server", "bidi"};
  return kNames[static_cast<std::size_t>(kind)];
}

Result<std::string> canonical_method_name(std::string_view name) {
  std::string plain(name.starts_with('/') ? name.substr(1) : name);
  const std::size_t slash = plain.find('/');
  const std::size_t split = slash != std::string::npos ? slash : plain.rfind('.');
  if (split == std::string::npos || split == 0 || split + 1 == plain.size()) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("'{}' is no method name; write \"package.Service/Method\"", name));
  }
  plain[split] = '/';
  return plain;
}

std::string_view nearest_name(std::string_view word, const Names& names) {
  const auto same = std::find_if(names.begin(), names.end(),
                                 [&](const std::string& name) { return last_part(name) == last_part(word); });
  return same != names.end() ? std::string_view(*same) : did_you_mean(word, names);
}

void visit_messages(const pb::Descriptor* type, const std::function<void(const pb::Descriptor*)>& visit) {
  if (type->options().map_entry()) return;
  visit(type);
  for (int i = 0; i < type->nested_type_count(); ++i) visit_messages(type->nested_type(i), visit);
}

// ---- what it is made of ----

Schema::Impl::Impl(DescriptorSet set) : set_(std::move(set)) {
  route_protobuf_log();
  for (const pb::FileDescriptor* file : set_.files) add_file(file);
}

std::unique_ptr<Schema> Schema::Impl::make_schema(DescriptorSet set) {
  return std::unique_ptr<Schema>(new Schema(std::make_unique<Impl>(std::move(set))));
}

void Schema::Impl::add_file(const pb::FileDescriptor* file) {
  if (!known_files_.insert(file).second) return;
  all_files_.push_back(file);
  for (int i = 0; i < file->dependency_count(); ++i) add_file(file->dependency(i));
}

Error Schema::Impl::unknown(std::string_view what, std::string_view name, const Names& known) const {
  const std::string_view hint = nearest_name(name, known);
  return make_error(ErrorCode::not_found,
                    hint.empty() ? fmt::format("no {} '{}' ({}: {})", what, name, set_.owner, listed(known))
                                 : fmt::format("no {} '{}' (did you mean '{}'?)", what, name, hint));
}

Result<const pb::ServiceDescriptor*> Schema::Impl::find_service(std::string_view name) const {
  const pb::ServiceDescriptor* service = pool().FindServiceByName(std::string(name));
  if (service != nullptr) return service;
  const auto reason = undescribed().find(std::string(name));
  if (reason == undescribed().end()) return unknown("service", name, services());
  return make_error(ErrorCode::not_found,
                    fmt::format("the server has service {}, but does not describe it ({}); give its .proto files or a "
                                "descriptor set instead of reflection",
                                name, reason->second));
}

Result<const pb::MethodDescriptor*> Schema::Impl::find_method(std::string_view name) const {
  const auto canonical = canonical_method_name(name);
  if (!canonical) return canonical.error();
  const std::size_t slash = canonical->find('/');
  const std::string method_name = canonical->substr(slash + 1);
  const auto service = find_service(canonical->substr(0, slash));
  if (!service) return service.error();
  const pb::MethodDescriptor* method = (*service)->FindMethodByName(method_name);
  if (method == nullptr) return unknown_method(*service, method_name);
  return method;
}

Result<const MethodInfo*> Schema::Impl::plan_method(const pb::MethodDescriptor* descriptor) {
  const auto input = plans.message(descriptor->input_type());
  const auto output = plans.message(descriptor->output_type());
  if (!input) return input.error();
  if (!output) return output.error();
  const std::string name = descriptor->service()->full_name() + "/" + descriptor->name();
  return &methods_.try_emplace(name, MethodInfo{name, "/" + name, kind_of(descriptor), *input, *output}).first->second;
}

Names Schema::Impl::services() const {
  Names names;
  for (const pb::FileDescriptor* file : files()) {
    for (int i = 0; i < file->service_count(); ++i) names.push_back(file->service(i)->full_name());
  }
  for (const auto& [name, reason] : undescribed()) names.push_back(name);
  return sorted(std::move(names));
}

Names Schema::Impl::messages() const {
  Names names;
  const auto add = [&](const pb::Descriptor* type) { names.push_back(type->full_name()); };
  for (const pb::FileDescriptor* file : files()) {
    for (int i = 0; i < file->message_type_count(); ++i) visit_messages(file->message_type(i), add);
  }
  return sorted(std::move(names));
}

Names Schema::Impl::enums() const {
  Names names;
  const auto add = [&](const pb::EnumDescriptor* type) { names.push_back(type->full_name()); };
  for (const pb::FileDescriptor* file : files()) {
    for (int i = 0; i < file->enum_type_count(); ++i) add(file->enum_type(i));
    for (int i = 0; i < file->message_type_count(); ++i) {
      visit_messages(file->message_type(i), [&](const pb::Descriptor* type) {
        for (int j = 0; j < type->enum_type_count(); ++j) add(type->enum_type(j));
      });
    }
  }
  return sorted(std::move(names));
}

// ---- what others see of it ----

Result<std::unique_ptr<Schema>> Schema::from_files(const ProtoFiles& sources) {
  return schema_of(load_proto_files(sources));
}

Result<std::unique_ptr<Schema>> Schema::from_protoset(const Names& paths, const std::string& base_dir) {
  return schema_of(load_protosets(paths, base_dir));
}

Schema::Schema(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Schema::~Schema() = default;

Result<const MethodInfo*> Schema::method(std::string_view name) {
  const auto found = impl_->find_method(name);
  if (!found) return found.error();
  return impl_->plan_method(*found);
}

Result<const MessagePlan*> Schema::message(std::string_view full_name) {
  const pb::Descriptor* type = impl_->pool().FindMessageTypeByName(std::string(full_name));
  if (type == nullptr) return impl_->unknown("message type", full_name, messages());
  return impl_->plans.message(type);
}

Result<const EnumPlan*> Schema::enumeration(std::string_view full_name) {
  const pb::EnumDescriptor* type = impl_->pool().FindEnumTypeByName(std::string(full_name));
  if (type == nullptr) return impl_->unknown("enum", full_name, enums());
  return impl_->plans.enumeration(type);
}

Names Schema::services() const { return impl_->services(); }
Names Schema::messages() const { return impl_->messages(); }
Names Schema::enums() const { return impl_->enums(); }

Names Schema::methods() const {
  Names names;
  for (const pb::FileDescriptor* file : impl_->files()) {
    for (int i = 0; i < file->service_count(); ++i) {
      const pb::ServiceDescriptor* service = file->service(i);
      for (int j = 0; j < service->method_count(); ++j) {
        names.push_back(service->full_name() + "/" + service->method(j)->name());
      }
    }
  }
  return sorted(std::move(names));
}

std::string Schema::to_protoset() const { return write_protoset(impl_->files()); }

}  // namespace lgen
