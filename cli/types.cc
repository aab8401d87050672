// `lgen types x.proto`: a schema's messages and enums for Lua language servers.
#include <fmt/format.h>

#include "commands.h"
#include "editor_types.h"
#include "exit_code.h"
#include "lgen/report.h"
#include "run.h"
#include "schema_source.h"

namespace lgen::cli {
namespace {

constexpr OptionRow kOptions[] = {
    {"proto", "FILE", "one more of them", "", "Options", true},
    {"import-paths", "DIR[,...]", "where imports are looked for (also --import-path)", "", "Options", true, 'i'},
    {"protoset", "FILE", "a descriptor set instead of .proto files", "", "Options", true},
    {"output", "FILE", "write it there, not to standard output", "", "Options", false, 'o'},
};

constexpr OptionAlias kAliases[] = {{"import-path", "import-paths"}};

int types(Words words) {
  if (!words.operands.empty()) {
    auto& files = words.options["proto"];
    files.insert(files.begin(), words.operands.begin(), words.operands.end());
  }
  if (!words.has("proto") && !words.has("protoset")) {
    return refuse(make_error(ErrorCode::invalid_argument, "types: which schema? lgen types FILE.proto..."));
  }
  const auto source = load_schema(words, Settings{}, {}, "");
  if (!source) return refuse_schema("types", source.error());
  const auto text = editor_types(*source->schema);
  if (!text) return refuse(text.error());
  const std::string output = words.text("output", "-");
  if (output == "-") return print_result(*text);
  const Outcome written = write_file(output, *text);
  return written ? kOk : refuse(written.error());
}

}  // namespace

const Command kTypesCommand = {.name = "types",
                               .synopsis = "FILE.proto...",
                               .help = "a schema's types for your editor",
                               .about =
                                   "Writes the messages and enums of the files, and of what they import, as classes "
                                   "for Lua language servers. Put the output beside the plan, as NAME.d.lua, and "
                                   "write ---@type pkg.Message above a table.",
                               .options = kOptions,
                               .run = types,
                               .aliases = kAliases};

}  // namespace lgen::cli
