// Descriptor sets: serialized google.protobuf.FileDescriptorSet, as `protoc --descriptor_set_out` writes them.
//
// Thread: one at a time.
#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <vector>

#include "descriptor_set.h"
#include "lgen/error.h"

namespace lgen {

/// Relative paths are below base_dir. Several sets are one; a file may be in more than one of them.
Result<DescriptorSet> load_protosets(const std::vector<std::string>& paths, const std::string& base_dir);

/// The files as one set, imports before those who need them.
std::string write_protoset(const std::vector<const google::protobuf::FileDescriptor*>& files);

}  // namespace lgen
