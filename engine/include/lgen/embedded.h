// A text compiled into the program (Lua prelude, bundled .proto files), so that an installed lgen needs no data folder.
// Thread: constant data.
#pragma once

#include <string_view>

namespace lgen {

struct EmbeddedFile {
  std::string_view name;  // path below the project's root, e.g. "proto/streaming.proto"
  std::string_view text;
};

}  // namespace lgen
