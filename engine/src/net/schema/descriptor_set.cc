#include "descriptor_set.h"

#include <fmt/format.h>
#include <google/protobuf/any.pb.h>
#include <google/protobuf/api.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/field_mask.pb.h>
#include <google/protobuf/source_context.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/wrappers.pb.h>

#include <algorithm>
#include <utility>

namespace lgen {
namespace {

namespace pb = google::protobuf;

constexpr std::string_view kWellKnownFolder = "google/protobuf/";

/// Equal but for comments and places, which a set has or lacks as it was asked for.
bool same(const pb::FileDescriptorProto& a, const pb::FileDescriptorProto& b) {
  pb::FileDescriptorProto left = a;
  pb::FileDescriptorProto right = b;
  left.clear_source_code_info();
  right.clear_source_code_info();
  return left.SerializeAsString() == right.SerializeAsString();
}

/// Keeps the first error of a file; what follows is mostly its consequence.
class FirstError final : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& file, const std::string& element, const pb::Message*, ErrorLocation,
                const std::string& message) override {
    if (text_.empty()) text_ = fmt::format("{}: {}: {}", file, element, message);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Puts files into a pool, imports before those who need them.
class Linker {
 public:
  explicit Linker(const std::map<std::string, pb::FileDescriptorProto>& files) : files_(files) {
    pool_->EnforceWeakDependencies(true);
  }

  Result<DescriptorSet> link() {
    DescriptorSet set;
    for (const auto& [name, file] : files_) {
      if (const Outcome built = build(name); !built) return built.error();
      set.files.push_back(pool_->FindFileByName(name));
    }
    set.pool = pool_;
    return set;
  }

 private:
  Outcome build(const std::string& name) {
    if (!begun_.insert(name).second) return Done{};
    pb::FileDescriptorProto well_known;
    const auto found = files_.find(name);
    if (found == files_.end()) {
      const pb::FileDescriptor* file = find_well_known(name);
      if (file == nullptr) return Done{};  // the pool says who misses it
      file->CopyTo(&well_known);
    }
    const pb::FileDescriptorProto& file = found == files_.end() ? well_known : found->second;
    for (const std::string& import : file.dependency()) {
      if (const Outcome built = build(import); !built) return built;
    }
    FirstError error;
    if (pool_->BuildFileCollectingErrors(file, &error) != nullptr) return Done{};
    return make_error(ErrorCode::invalid_argument, error.text());
  }

  const std::map<std::string, pb::FileDescriptorProto>& files_;
  std::set<std::string> begun_;
  std::shared_ptr<pb::DescriptorPool> pool_ = std::make_shared<pb::DescriptorPool>();
};

void add_extendable(const pb::DescriptorProto& type, const std::string& scope, std::vector<std::string>& names) {
  const std::string name = scope.empty() ? type.name() : scope + "." + type.name();
  if (type.extension_range_size() > 0) names.push_back(name);
  for (const pb::DescriptorProto& nested : type.nested_type()) add_extendable(nested, name, names);
}

template <class Elements>
bool has_name(const Elements& elements, std::string_view name) {
  return std::any_of(elements.begin(), elements.end(), [&](const auto& element) { return element.name() == name; });
}

}  // namespace

const pb::FileDescriptor* find_well_known(std::string_view name) {
  if (!name.starts_with(kWellKnownFolder)) return nullptr;
  for (const pb::Descriptor* type :
       {pb::Any::descriptor(), pb::Api::descriptor(), pb::Duration::descriptor(), pb::Empty::descriptor(),
        pb::FieldMask::descriptor(), pb::SourceContext::descriptor(), pb::Struct::descriptor(),
        pb::Timestamp::descriptor(), pb::Type::descriptor(), pb::Int64Value::descriptor(),
        pb::FileDescriptorProto::descriptor()}) {
    if (type->file()->name() == name) return type->file();
  }
  return nullptr;
}

const pb::FileDescriptorProto* FileSet::find(const std::string& name) const {
  const auto found = files_.find(name);
  return found == files_.end() ? nullptr : &found->second;
}

bool FileSet::add(pb::FileDescriptorProto file) {
  const auto found = files_.find(file.name());
  if (found != files_.end()) return same(found->second, file);
  std::string name = file.name();
  files_.emplace(std::move(name), std::move(file));
  return true;
}

std::vector<std::string> FileSet::names() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

std::vector<std::string> FileSet::missing_imports(const pb::FileDescriptorProto& file) const {
  std::vector<std::string> missing;
  for (const std::string& import : file.dependency()) {
    if (!has(import) && find_well_known(import) == nullptr) missing.push_back(import);
  }
  return missing;
}

bool FileSet::defines(std::string_view full_name) const {
  return std::any_of(files_.begin(), files_.end(), [&](const auto& entry) {
    const pb::FileDescriptorProto& file = entry.second;
    std::string_view name = full_name;
    if (!file.package().empty()) {
      if (!name.starts_with(file.package() + ".")) return false;
      name.remove_prefix(file.package().size() + 1);
    }
    return has_name(file.service(), name) || has_name(file.message_type(), name) || has_name(file.enum_type(), name);
  });
}

std::vector<std::string> FileSet::extendable() const {
  std::vector<std::string> names;
  for (const auto& [name, file] : files_) {
    if (name.starts_with(kWellKnownFolder)) continue;  // options of .proto files, not of messages
    for (const pb::DescriptorProto& type : file.message_type()) add_extendable(type, file.package(), names);
  }
  return names;
}

Result<DescriptorSet> FileSet::link() const { return Linker(files_).link(); }

}  // namespace lgen
