// Where the types of a method come from, for lgen and for the plan it writes alike: .proto files, descriptor sets, or
// the server's reflection.
// Thread: the main thread.
#pragma once

#include <memory>
#include <string>

#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/schema.h"
#include "lgen/settings.h"
#include "script_text.h"
#include "words.h"

namespace lgen::cli {

struct SchemaSource {
  std::unique_ptr<Schema> schema;
  LuaValue lua;             // what a plan gives to lgen.proto; by reflection it names `channel`
  bool reflection = false;  // the plan knows the types from setup on
};

/// By --proto with --import-paths, else --protoset, else the server is asked, with that metadata. With --local and no
/// files: the .proto files that come with lgen. In `lua` paths are made relative to `folder`, where the plan lies.
Result<SchemaSource> load_schema(const Words& words, const Settings& settings, const Metadata& metadata,
                                 const std::string& folder);

/// Prints it; 104 for files and names that are wrong, 99 for a server that could not be asked.
int refuse_schema(std::string_view command, const Error& error);

}  // namespace lgen::cli
