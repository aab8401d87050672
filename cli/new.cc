// `lgen new PLAN.lua pkg.Svc/Method`: a plan to start from, and what an editor needs to know its functions.
#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "arguments.h"
#include "commands.h"
#include "exit_code.h"
#include "lgen/grpc.h"
#include "lgen/report.h"
#include "run.h"
#include "schema_source.h"
#include "starter_plan.h"

namespace lgen::cli {
namespace {

namespace fs = std::filesystem;

constexpr OptionRow kOptions[] = {
    {"proto", "FILE", "the .proto file that has the method; without it the server at --target is asked by reflection",
     "", "Plan", true},
    {"import-paths", "DIR[,...]", "where its imports are looked for", "", "Plan", true, 'i'},
    {"protoset", "FILE", "instead of --proto: a descriptor set", "", "Plan", true},
    {"force", "", "overwrite the plan if it is there", "", "Plan", false, 'f'},
};

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

/// The folder with lgen.d.lua: of the installation, or of the source tree in which this program was built.
std::optional<fs::path> meta_folder() {
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const auto has_meta = [&](const fs::path& folder) { return fs::exists(folder / "lgen.d.lua", failed); };
  const fs::path installed = program.parent_path().parent_path() / "share" / "lgen" / "meta";
  if (has_meta(installed)) return installed;
  for (fs::path up = program.parent_path(); up != up.parent_path(); up = up.parent_path()) {
    if (has_meta(up / "bindings" / "meta")) return up / "bindings" / "meta";
  }
  return std::nullopt;
}

/// Settings of the Lua language server. Messages are rarely sent with all of their fields.
std::string editor_settings(const fs::path& meta) {
  const nlohmann::ordered_json settings = {
      {"$schema", "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json"},
      {"runtime.version", "LuaJIT"},
      {"workspace.library", {meta.string()}},
      {"workspace.checkThirdParty", false},
      {"diagnostics.disable", {"missing-fields"}},
  };
  return settings.dump(2) + "\n";
}

/// Beside the plan, unless there are any.
Outcome write_editor_settings(const fs::path& folder) {
  const fs::path file = folder / ".luarc.json";
  const auto meta = meta_folder();
  if (fs::exists(file) || !meta) return Done{};
  const Outcome written = write_file(file.string(), editor_settings(*meta));
  if (written) fmt::print("wrote {}: completion for editors with a Lua language server\n", file.string());
  return written;
}

Result<std::string> plan_for(const Words& words, const Settings& settings, const std::string& plan,
                             const std::string& method) {
  const std::string folder = fs::path(plan).parent_path().string();
  const auto source = load_schema(words, settings, {}, folder);
  if (!source) return source.error();
  const auto found = source->schema->method(method);
  if (!found) return found.error();
  return write_starter_plan(plan, **found, source->lua);
}

int new_plan(Words words) {
  const auto arguments = arguments_of(without(words, kOptions));
  if (!arguments) return refuse(arguments.error());
  const auto settings = arguments->options.resolve();
  if (!settings) return refuse(settings.error());
  if (words.operands.size() != 2)
    return refuse(usage("new: which plan, which method? lgen new PLAN.lua pkg.Svc/Method"));
  const std::string &plan = words.operands[0], &method = words.operands[1];
  if (fs::exists(plan) && !words.has("force")) {
    return refuse(usage(fmt::format("new: {} is already there; --force overwrites it", plan)));
  }
  route_grpc_log();
  const auto text = plan_for(words, *settings, plan, method);
  if (!text) return refuse_schema("new", text.error());
  if (const Outcome written = write_file(plan, *text); !written) return refuse(written.error());
  const std::string target = settings->target.empty() ? "HOST:PORT" : settings->target;
  fmt::print("wrote {}: lgen {} --target {}\n", plan, plan, target);
  const Outcome editor = write_editor_settings(fs::path(plan).parent_path());
  return editor ? kOk : refuse(editor.error());
}

}  // namespace

const Command kNewCommand = {.name = "new",
                             .synopsis = "PLAN.lua pkg.Svc/Method",
                             .help = "write a plan to start from, for a method of yours",
                             .about =
                                 "Writes a short commented plan that calls the method, with every field of its "
                                 "request, and beside it .luarc.json, if there is none, with which editors know "
                                 "lgen's functions.",
                             .options = kOptions,
                             .run = new_plan,
                             .engine_options = true};

}  // namespace lgen::cli
