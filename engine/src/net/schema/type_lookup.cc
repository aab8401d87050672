#include "type_lookup.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <cassert>
#include <vector>

#include "lgen/embedded.h"

namespace lgen {

extern const EmbeddedFile kRpcProtos[];
extern const std::size_t kRpcProtos_count;

namespace {

namespace pb = google::protobuf;

pb::FileDescriptorProto parse(const EmbeddedFile& file) {
  pb::io::ArrayInputStream text(file.text.data(), static_cast<int>(file.text.size()));
  pb::io::Tokenizer tokens(&text, nullptr);
  pb::FileDescriptorProto parsed;
  pb::compiler::Parser().Parse(&tokens, &parsed);
  parsed.set_name(std::string(file.name.substr(file.name.find('/') + 1)));  // below proto/
  return parsed;
}

}  // namespace

const pb::DescriptorPool& rpc_status_pool() {
  static const auto* const kPool = [] {
    pb::Any::descriptor();  // enters what is imported into the generated pool
    pb::Duration::descriptor();
    auto* pool = new pb::DescriptorPool(pb::DescriptorPool::generated_pool());
    for (std::size_t i = 0; i < kRpcProtos_count; ++i) {
      [[maybe_unused]] const pb::FileDescriptor* built = pool->BuildFile(parse(kRpcProtos[i]));
      assert(built != nullptr);
    }
    return pool;
  }();
  return *kPool;
}

/// Asks one pool after the other.
class TypeLookup::Chain final : public pb::util::TypeResolver {
 public:
  explicit Chain(const std::array<const pb::DescriptorPool*, 3>& pools) : pools_(pools) {
    for (const pb::DescriptorPool* pool : pools) {
      resolvers_.emplace_back(pb::util::NewTypeResolverForDescriptorPool(kTypeDomain, pool));
    }
  }

  pb::util::Status ResolveMessageType(const std::string& url, pb::Type* type) override {
    const std::string name = url.substr(url.rfind('/') + 1);  // the rest of a URL does not count
    pb::util::Status status;
    for (std::size_t i = 0; i < pools_.size(); ++i) {
      status = resolvers_[i]->ResolveMessageType(url_of(name), type);
      if (!status.ok()) continue;
      make_messages_of_groups(*pools_[i]->FindMessageTypeByName(name), *type);
      return status;
    }
    return status;
  }

  pb::util::Status ResolveEnumType(const std::string& url, pb::Enum* type) override {
    pb::util::Status status;
    for (const auto& resolver : resolvers_) {
      status = resolver->ResolveEnumType(url, type);
      if (status.ok()) return status;
    }
    return status;
  }

 private:
  static std::string url_of(const std::string& name) { return std::string(kTypeDomain) + "/" + name; }

  static void make_messages_of_groups(const pb::Descriptor& from, pb::Type& type) {
    for (pb::Field& field : *type.mutable_fields()) {
      if (field.kind() != pb::Field::TYPE_GROUP) continue;
      field.set_kind(pb::Field::TYPE_MESSAGE);
      field.set_type_url(url_of(from.FindFieldByNumber(field.number())->message_type()->full_name()));
    }
  }

  const std::array<const pb::DescriptorPool*, 3> pools_;
  std::vector<std::unique_ptr<pb::util::TypeResolver>> resolvers_;
};

TypeLookup::TypeLookup(const pb::DescriptorPool& schema)
    : pools_{&schema, &rpc_status_pool(), pb::DescriptorPool::generated_pool()},
      resolver_(std::make_unique<Chain>(pools_)) {}

TypeLookup::~TypeLookup() = default;

const pb::Descriptor* TypeLookup::find(std::string_view full_name) const {
  for (const pb::DescriptorPool* pool : pools_) {
    if (const pb::Descriptor* type = pool->FindMessageTypeByName(std::string(full_name))) return type;
  }
  return nullptr;
}

const pb::Descriptor* TypeLookup::find_url(std::string_view url) const { return find(url.substr(url.rfind('/') + 1)); }

}  // namespace lgen
