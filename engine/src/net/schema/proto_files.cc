// How a name is resolved. protobuf knows a file by its *name*, the path by which others import it; the same file under
// two names would define its types twice. So a listed file gets the name it has below the first search folder that
// holds it, and if a file is met again under another name all the same (listed as "protos/b.proto", imported as
// "b.proto"), the second name becomes a file that says nothing but `import public` of the first.
#include "proto_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "protobuf_log.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;
namespace fs = std::filesystem;

/// The files that come with protobuf, as the library itself was built with.
class WellKnownTypes final : public pb::DescriptorDatabase {
 public:
  bool FindFileByName(const std::string& name, pb::FileDescriptorProto* output) override {
    const pb::FileDescriptor* file = find_well_known(name);
    if (file == nullptr) return false;
    file->CopyTo(output);
    return true;
  }
  bool FindFileContainingSymbol(const std::string&, pb::FileDescriptorProto*) override { return false; }
  bool FindFileContainingExtension(const std::string&, int, pb::FileDescriptorProto*) override { return false; }
};

/// Search folders first, bundled texts after them.
class SearchTree final : public pb::compiler::SourceTree {
 public:
  explicit SearchTree(const ProtoFiles& sources) : bundled_(sources.bundled), base_(sources.base_dir) {
    for (const std::string& path : sources.import_paths) add_folder(base_ / path);
    add_folder(base_);
  }

  /// The name of a listed file; its folder is searched from now on.
  std::string name_of(const std::string& listed) {
    const std::string normal = fs::path(listed).lexically_normal().generic_string();
    if (!normal.starts_with("..") && !normal.starts_with('/') && find_on_disk(normal)) return normal;
    const fs::path path = (base_ / listed).lexically_normal();
    if (!fs::exists(path)) return listed;
    for (const fs::path& folder : folders_) {
      const fs::path relative = path.lexically_relative(folder);
      if (!relative.empty() && *relative.begin() != "..") return relative.generic_string();
    }
    add_folder(path.parent_path());
    return path.filename().string();
  }

  /// Called once all listed files have their names, so that these folders come last.
  void search_folder_of(const std::string& name) {
    if (const auto path = find_on_disk(name)) add_folder(path->parent_path());
  }

  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    if (const auto path = find_on_disk(name)) return open_on_disk(name, *path);
    for (const EmbeddedFile& file : bundled_) {
      if (bundled_name(file) == name)
        return new pb::io::ArrayInputStream(file.text.data(), static_cast<int>(file.text.size()));
    }
    lacking_.insert(name);
    problem_ = fmt::format("no such file (searched {}); give its folder in import_paths", searched());
    return nullptr;
  }

  std::string GetLastErrorMessage() override { return problem_; }

  /// It was looked for in vain.
  bool lacks(const std::string& name) const { return lacking_.contains(name); }

  /// The path an author knows the file by.
  std::string shown(const std::string& name) const {
    const auto path = find_on_disk(name);
    return path ? path->string() : name;
  }

 private:
  static std::string_view bundled_name(const EmbeddedFile& file) {
    constexpr std::string_view kFolder = "proto/";
    return file.name.starts_with(kFolder) ? file.name.substr(kFolder.size()) : file.name;
  }

  void add_folder(const fs::path& folder) {
    const fs::path normal = folder.empty() ? fs::path(".") : (folder / "").lexically_normal();
    if (std::find(folders_.begin(), folders_.end(), normal) == folders_.end()) folders_.push_back(normal);
  }

  std::optional<fs::path> find_on_disk(const std::string& name) const {
    for (const fs::path& folder : folders_) {
      const fs::path path = (folder / name).lexically_normal();
      std::error_code ignored;
      if (fs::is_regular_file(path, ignored)) return path;
    }
    return std::nullopt;
  }

  pb::io::ZeroCopyInputStream* open_on_disk(const std::string& name, const fs::path& path) {
    std::error_code unknown;
    const auto [first, is_new] = name_of_disk_file_.try_emplace(fs::weakly_canonical(path, unknown).string(), name);
    if (!is_new && first->second != name) {
      const std::string& text =
          forwards_.emplace_back(fmt::format("syntax = \"proto3\";\nimport public \"{}\";\n", first->second));
      return new pb::io::ArrayInputStream(text.data(), static_cast<int>(text.size()));
    }
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) {
      problem_ = fmt::format("cannot be read: {}", std::strerror(errno));
      return nullptr;
    }
    auto* stream = new pb::io::FileInputStream(file);
    stream->SetCloseOnDelete(true);
    return stream;
  }

  std::string searched() const {
    std::vector<std::string> names;
    for (const fs::path& folder : folders_) names.push_back(folder.string());
    return fmt::format("{}", fmt::join(names, ", "));
  }

  std::span<const EmbeddedFile> bundled_;
  fs::path base_;
  std::vector<fs::path> folders_;
  std::map<std::string, std::string> name_of_disk_file_;
  std::deque<std::string> forwards_;  // texts that streams read from
  std::set<std::string> lacking_;
  std::string problem_;
};

/// What is wrong with the files: every import that is missing, once and with who imports it, and of other errors the
/// first few. What follows from a failed import, or from an error, is left out.
class Findings final : public pb::compiler::MultiFileErrorCollector {
 public:
  explicit Findings(const SearchTree& tree) : tree_(tree) {}

  void AddError(const std::string& file, int line, int column, const std::string& message) override {
    if (tree_.lacks(file)) {
      missing_.try_emplace(file, "", message);
    } else if (const std::string import = failed_import(message); !import.empty()) {
      without_imports_.insert(file);
      if (const auto lost = missing_.find(import); lost != missing_.end() && lost->second.first.empty()) {
        lost->second.first = place(file, line, column);
      }
    } else if (!without_imports_.contains(file) && ++count_ <= kShown) {
      others_.push_back(place(file, line, column) + message);
    }
  }

  std::string text() const {
    std::vector<std::string> lines;
    for (const auto& [file, found] : missing_)
      lines.push_back(fmt::format("{}{}: {}", found.first, file, found.second));
    lines.insert(lines.end(), others_.begin(), others_.end());
    if (count_ > kShown) lines.push_back(fmt::format("and {} more", count_ - kShown));
    return fmt::format("{}", fmt::join(lines, "; "));
  }

 private:
  static constexpr int kShown = 2;

  /// The name in the library's words about an import; empty: another error.
  static std::string failed_import(std::string_view message) {
    constexpr std::string_view kBefore = "Import \"", kAfter = "\" was not found or had errors.";
    if (!message.starts_with(kBefore) || !message.ends_with(kAfter)) return "";
    message.remove_prefix(kBefore.size());
    message.remove_suffix(kAfter.size());
    return std::string(message);
  }

  std::string place(const std::string& file, int line, int column) const {
    return line < 0 ? tree_.shown(file) + ": " : fmt::format("{}:{}:{}: ", tree_.shown(file), line + 1, column + 1);
  }

  const SearchTree& tree_;
  std::map<std::string, std::pair<std::string, std::string>> missing_;  // file -> where it is imported, what is wrong
  std::set<std::string> without_imports_;
  std::vector<std::string> others_;
  int count_ = 0;
};

/// What a pool of parsed files needs for as long as it lives.
struct Loader {
  explicit Loader(const ProtoFiles& sources) : tree(sources), errors(tree) {
    route_protobuf_log();
    database.RecordErrorsTo(&errors);
    pool.EnforceWeakDependencies(true);
  }

  SearchTree tree;
  Findings errors;
  WellKnownTypes well_known;
  pb::compiler::SourceTreeDescriptorDatabase database{&tree, &well_known};
  pb::DescriptorPool pool{&database, database.GetValidationErrorCollector()};
};

}  // namespace

Result<DescriptorSet> load_proto_files(const ProtoFiles& sources) {
  if (sources.files.empty())
    return make_error(ErrorCode::invalid_argument, "no .proto file is named; give at least one");
  auto loader = std::make_shared<Loader>(sources);
  std::vector<std::string> names;
  for (const std::string& file : sources.files) names.push_back(loader->tree.name_of(file));
  for (const std::string& name : names) loader->tree.search_folder_of(name);
  DescriptorSet set;
  for (const std::string& name : names) {
    const pb::FileDescriptor* file = loader->pool.FindFileByName(name);
    if (file == nullptr) return make_error(ErrorCode::invalid_argument, loader->errors.text());
    set.files.push_back(file);
  }
  set.pool = std::shared_ptr<const pb::DescriptorPool>(loader, &loader->pool);
  return set;
}

}  // namespace lgen
