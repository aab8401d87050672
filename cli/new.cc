// `lgen new PLAN.lua pkg.Svc/Method`: a plan to start from, and what an editor needs to know its functions.
#include <fmt/format.h>

#include <algorithm>
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
    {"proto", "FILE", "the .proto file that has the method; without it the server is asked by reflection", "", "Plan",
     true},
    {"import-paths", "DIR[,...]", "where its imports are looked for (also --import-path)", "", "Plan", true, 'i'},
    {"protoset", "FILE", "instead of --proto: a descriptor set", "", "Plan", true},
    {"force", "", "overwrite the plan if it is there", "", "Plan", false, 'f'},
};

constexpr OptionAlias kAliases[] = {{"import-path", "import-paths"}};

/// What it takes to ask a server.
constexpr std::string_view kOfEngine[] = {"target", "transport",   "tls",         "plaintext", "ca",    "cert",
                                          "key",    "server-name", "skip-verify", "authority", "proxy", "wait-ready"};

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

/// Where an installation has lgen.d.lua.
fs::path installed_meta_folder(const fs::path& program) {
  return program.parent_path().parent_path() / "share" / "lgen" / "meta";
}

/// The folder with lgen.d.lua: of the installation, or of the source tree in which this program was built.
std::optional<fs::path> meta_folder(const fs::path& program) {
  std::error_code failed;
  const auto has_meta = [&](const fs::path& folder) { return fs::exists(folder / "lgen.d.lua", failed); };
  if (has_meta(installed_meta_folder(program))) return installed_meta_folder(program);
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
  if (fs::exists(file)) return Done{};
  std::error_code failed;
  const fs::path program = fs::read_symlink("/proc/self/exe", failed);
  const auto meta = meta_folder(program);
  if (!meta) {
    complain(fmt::format(
        "new: no {0} written, with which editors would know lgen's functions: lgen.d.lua is neither in {1} nor in a "
        "source tree around {2}. Install lgen with its share/lgen (`cmake --install` does), or write {0} with the "
        "folder of lgen.d.lua under workspace.library",
        file.string(), installed_meta_folder(program).string(), program.string()));
    return Done{};
  }
  const Outcome written = write_file(file.string(), editor_settings(*meta));
  if (written) fmt::print("wrote {}: completion for editors with a Lua language server\n", file.string());
  return written;
}

Result<std::string> plan_for(const Words& words, const Settings& settings, const std::string& plan,
                             const std::string& method) {
  const std::string folder = fs::path(plan).parent_path().string();
  if (words.all("proto").empty() && words.all("protoset").empty() && settings.target.empty() && !settings.local) {
    return usage(
        fmt::format("where are the types of {1}? lgen new {0} HOST:PORT {1} asks the server, --proto FILE or "
                    "--protoset FILE reads them",
                    plan, method));
  }
  const auto source = load_schema(words, settings, {}, folder);
  if (!source) return source.error();
  const auto found = source->schema->method(method);
  if (!found) return found.error();
  return write_starter_plan(plan, **found, source->lua);
}

/// The options that were needed to reach the server, as its plan needs them, too.
std::string flags_of(const Words& words) {
  std::string out;
  for (const std::string_view name : kOfEngine) {
    if (name == "target" || name == "wait-ready" || !words.has(name)) continue;
    const std::string value = words.text(name);
    const bool is_switch = value.empty() || value == "true";
    out += fmt::format(" --{}{}{}", name, is_switch ? "" : " ", is_switch ? "" : value);
  }
  return out;
}

/// What is written, where the method is, and its name.
struct Aim {
  std::string plan, target, method;
};

bool is_plan(std::string_view word) { return word.ends_with(".lua"); }

/// An address has a colon, a method has none.
Result<Aim> take_aim(const Words& words) {
  Aim aim;
  std::vector<std::string> operands = words.operands;
  const auto address = std::find_if(operands.begin(), operands.end(), [](const std::string& word) {
    return !is_plan(word) && word.find(':') != std::string::npos;
  });
  if (address != operands.end()) {
    aim.target = *address;
    operands.erase(address);
    if (const Outcome ok = check_address(aim.target); !ok) return usage("new: " + ok.error().message);
    if (words.has("target")) return usage(fmt::format("new: --target: {} is given, too", aim.target));
  }
  if (operands.size() == 2 && is_plan(operands[1]) && !is_plan(operands[0])) std::swap(operands[0], operands[1]);
  if (operands.size() != 2) {
    const std::string target = aim.target.empty() ? words.text("target", "HOST:PORT") : aim.target;
    return usage(fmt::format("new: {}? lgen new PLAN.lua {} pkg.Svc/Method; `lgen list {}` names the methods",
                             operands.size() > 2                            ? "which of these is the plan"
                             : operands.size() == 1 && is_plan(operands[0]) ? "which method"
                             : operands.size() == 1                         ? "which plan"
                                                                            : "which plan, which method",
                             target, target));
  }
  aim.plan = operands[0];
  aim.method = operands[1];
  return aim;
}

int new_plan(Words words) {
  const auto aim = take_aim(words);
  if (!aim) return refuse(aim.error());
  Words engine = without(words, kOptions);
  if (!aim->target.empty()) engine.options["target"] = {aim->target};
  const auto arguments = arguments_of(engine);
  if (!arguments) return refuse(arguments.error());
  const auto settings = arguments->options.resolve();
  if (!settings) return refuse(settings.error());
  const std::string &plan = aim->plan, &method = aim->method;
  if (fs::exists(plan) && !words.has("force")) {
    return refuse(usage(fmt::format("new: {} is already there; --force overwrites it", plan)));
  }
  route_grpc_log();
  const auto text = plan_for(words, *settings, plan, method);
  if (!text) return refuse_schema("new", text.error());
  if (const Outcome written = write_file(plan, *text); !written) return refuse(written.error());
  const std::string target = settings->target.empty() ? "HOST:PORT" : settings->target;
  fmt::print("wrote {}: lgen {} --target {}{}\n", plan, plan, target, flags_of(words));
  const Outcome editor = write_editor_settings(fs::path(plan).parent_path());
  return editor ? kOk : refuse(editor.error());
}

}  // namespace

const Command kNewCommand = {.name = "new",
                             .synopsis = "PLAN.lua [HOST:PORT] pkg.Svc/Method",
                             .help = "write a plan to start from, for a method of yours",
                             .about =
                                 "Writes a short commented plan that calls the method, with every field of its "
                                 "request, and beside it .luarc.json, if there is none, with which editors know "
                                 "lgen's functions.",
                             .options = kOptions,
                             .run = new_plan,
                             .aliases = kAliases,
                             .of_engine = kOfEngine};

}  // namespace lgen::cli
