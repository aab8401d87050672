// Loads .proto files with what they import into a descriptor pool: from disk, from the bundled texts, from protobuf.
//
// Thread: one at a time.
#pragma once

#include "descriptor_set.h"
#include "lgen/error.h"
#include "lgen/schema.h"

namespace lgen {

Result<DescriptorSet> load_proto_files(const ProtoFiles& sources);

}  // namespace lgen
