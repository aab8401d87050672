// Types as protobuf knows them: what every source of a schema ends in, and the building of one from serialized files.
//
// Thread: one at a time.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"

namespace lgen {

struct DescriptorSet {
  std::shared_ptr<const google::protobuf::DescriptorPool> pool;  // keeps alive what it was loaded with
  std::vector<const google::protobuf::FileDescriptor*> files;    // the ones asked for; their imports may be left out
  std::map<std::string, std::string> undescribed;                // services nobody could describe -> why
  std::string_view owner = "the files have";                     // before a list of names in errors
};

/// A file that comes with protobuf, as the library itself was built with; null when it is none.
const google::protobuf::FileDescriptor* find_well_known(std::string_view name);

/// Descriptors of files, gathered by name in any order, linked at the end.
class FileSet {
 public:
  /// Whether a file of that name is there already.
  bool has(const std::string& name) const { return files_.contains(name); }
  /// The file of that name; null when there is none.
  const google::protobuf::FileDescriptorProto* find(const std::string& name) const;
  /// Takes the file, unless there is one of that name; then says whether both say the same (comments do not count).
  bool add(google::protobuf::FileDescriptorProto file);
  void remove(const std::string& name) { files_.erase(name); }
  std::vector<std::string> names() const;

  /// Imports of the file that are not here and do not come with protobuf either.
  std::vector<std::string> missing_imports(const google::protobuf::FileDescriptorProto& file) const;
  /// Whether one of the files has the service, the message, ... of that full name (at the top level of a file).
  bool defines(std::string_view full_name) const;
  /// Full names of the messages others may extend, protobuf's own left out.
  std::vector<std::string> extendable() const;

  /// Everything in one pool. An error names the file and the element.
  Result<DescriptorSet> link() const;

 private:
  std::map<std::string, google::protobuf::FileDescriptorProto> files_;
};

}  // namespace lgen
