#include "protoset.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

namespace lgen {
namespace {

namespace pb = google::protobuf;
namespace fs = std::filesystem;

Error refuse(const std::string& path, std::string_view why) {
  return make_error(ErrorCode::invalid_argument, fmt::format("{}: {}", path, why));
}

Error cannot_read(const std::string& path, std::string_view why) {
  return make_error(ErrorCode::not_found, fmt::format("cannot read the descriptor set {}: {}", path, why));
}

Result<std::string> read_file(const std::string& path) {
  std::error_code unknown;
  if (fs::is_directory(path, unknown)) return cannot_read(path, "it is a directory; name the file");
  std::ifstream file(path, std::ios::binary);
  if (!file) return cannot_read(path, std::strerror(errno));
  return std::string{std::istreambuf_iterator<char>(file), {}};
}

bool is_whole(const pb::FileDescriptorSet& set) {
  for (const pb::FileDescriptorProto& file : set.file()) {
    if (file.name().empty()) return false;
  }
  return set.file_size() > 0;
}

Result<pb::FileDescriptorSet> read_set(const std::string& path) {
  const auto bytes = read_file(path);
  if (!bytes) return bytes.error();
  pb::FileDescriptorSet set;
  if (set.ParseFromString(*bytes) && is_whole(set)) return set;
  if (path.ends_with(".proto")) {
    return refuse(path, "this is a .proto file and no descriptor set; give it as a .proto file");
  }
  return refuse(path, fmt::format("this is no descriptor set; make one with `protoc --include_imports "
                                  "--descriptor_set_out={} FILE.proto`",
                                  fs::path(path).filename().string()));
}

/// All sets in one, and which file came from which.
class Sets {
 public:
  Outcome add(const std::string& path) {
    auto set = read_set(path);
    if (!set) return set.error();
    for (pb::FileDescriptorProto& file : *set->mutable_file()) {
      const std::string name = file.name();
      const auto first = origin_.try_emplace(name, path).first;
      if (!files_.add(std::move(file))) {
        return refuse(path, fmt::format("its {} says something else than the one in {}; make both from the same files",
                                        name, first->second));
      }
    }
    return Done{};
  }

  Result<DescriptorSet> link() const {
    for (const auto& [name, path] : origin_) {
      const auto missing = files_.missing_imports(*files_.find(name));
      if (missing.empty()) continue;
      return refuse(
          path, fmt::format("{} imports \"{}\", which is not in the set; make it with protoc's --include_imports", name,
                            missing.front()));
    }
    auto linked = files_.link();
    if (!linked) return make_error(linked.error().code, "descriptor set: " + linked.error().message);
    linked->owner = "the set has";
    return linked;
  }

 private:
  FileSet files_;
  std::map<std::string, std::string> origin_;
};

void add_with_imports(const pb::FileDescriptor* file, std::set<const pb::FileDescriptor*>& added,
                      pb::FileDescriptorSet& set) {
  if (!added.insert(file).second) return;
  for (int i = 0; i < file->dependency_count(); ++i) add_with_imports(file->dependency(i), added, set);
  pb::FileDescriptorProto& proto = *set.add_file();
  file->CopyTo(&proto);
  file->CopyJsonNameTo(&proto);
  file->CopySourceCodeInfoTo(&proto);
}

}  // namespace

Result<DescriptorSet> load_protosets(const std::vector<std::string>& paths, const std::string& base_dir) {
  if (paths.empty()) return make_error(ErrorCode::invalid_argument, "no descriptor set is named; give at least one");
  Sets sets;
  for (const std::string& path : paths) {
    if (const Outcome added = sets.add((fs::path(base_dir) / path).lexically_normal().string()); !added)
      return added.error();
  }
  return sets.link();
}

std::string write_protoset(const std::vector<const pb::FileDescriptor*>& files) {
  std::set<const pb::FileDescriptor*> added;
  pb::FileDescriptorSet set;
  for (const pb::FileDescriptor* file : files) add_with_imports(file, added, set);
  return set.SerializeAsString();
}

}  // namespace lgen
