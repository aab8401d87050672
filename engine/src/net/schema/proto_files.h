// Loads .proto files with what they import into a descriptor pool: from disk, from the bundled texts, from protobuf.
//
// Thread: one at a time.
#pragma once

#include <google/protobuf/descriptor.h>

#include <memory>
#include <vector>

#include "lgen/error.h"
#include "lgen/schema.h"

namespace lgen {

/// Types as protobuf knows them. Every way of getting a schema ends in one of these.
struct DescriptorSet {
  std::shared_ptr<const google::protobuf::DescriptorPool> pool;  // keeps alive what it was loaded with
  std::vector<const google::protobuf::FileDescriptor*> files;    // the ones asked for, without their imports
};

Result<DescriptorSet> load_proto_files(const ProtoFiles& sources);

}  // namespace lgen
