#include "schema_source.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <optional>

#include "commands.h"
#include "exit_code.h"
#include "lgen/loop.h"
#include "lgen/plan.h"
#include "lgen/units.h"

namespace lgen::cli {
namespace {

/// A path of ours as the plan in `folder` has to write it. What is no file here is a name below an import path.
std::string as_seen_from(const std::string& folder, const std::string& path) {
  if (folder.empty() || path.starts_with('/') || !std::filesystem::exists(path)) return path;
  return std::filesystem::relative(path, folder).string();
}

void add_list(LuaValue& table, std::string_view key, const std::vector<std::string>& paths, const std::string& folder) {
  if (paths.empty()) return;
  LuaValue list{.is_table = true};
  for (const std::string& path : paths) list.entries.push_back({"", {lua_string(as_seen_from(folder, path))}});
  table.entries.push_back({std::string(key), std::move(list)});
}

/// The schema's errors speak of options by their names in plans.
Error in_our_words(Error error) {
  constexpr std::string_view kTheirs = "in import_paths", kOurs = "by --import-paths";
  for (std::size_t at = 0; (at = error.message.find(kTheirs, at)) != std::string::npos; at += kOurs.size()) {
    error.message.replace(at, kTheirs.size(), kOurs);
  }
  return error;
}

Result<SchemaSource> from_files(ProtoFiles files, const std::string& folder) {
  files.bundled = bundled_protos();
  auto schema = Schema::from_files(files);
  if (!schema) return in_our_words(schema.error());
  SchemaSource source{std::move(*schema), {.is_table = true}};
  add_list(source.lua, "files", files.files, folder);
  add_list(source.lua, "import_paths", files.import_paths, folder);
  return source;
}

Result<SchemaSource> from_protosets(const std::vector<std::string>& paths, const std::string& folder) {
  auto schema = Schema::from_protoset(paths);
  if (!schema) return schema.error();
  SchemaSource source{std::move(*schema), {.is_table = true}};
  add_list(source.lua, "protoset", paths, folder);
  return source;
}

std::vector<std::string> bundled_names() {
  std::vector<std::string> names;
  for (const EmbeddedFile& file : bundled_protos()) names.emplace_back(file.name.substr(file.name.rfind('/') + 1));
  return names;
}

/// A name that does not resolve is the server's absence, too, whatever its code.
Error not_ready(const Error& error, const Settings& settings) {
  const ErrorCode code = error.code == ErrorCode::cancelled ? error.code : ErrorCode::unavailable;
  return make_error(code, fmt::format("{}. {} {} says how long to wait", error.message, settings.wait_ready_flag,
                                      format_duration(settings.wait_ready)));
}

/// What the channel calls max_recv is an option here, and not the only way out.
Error in_words_of_reflection(Error error) {
  constexpr std::string_view kTheirs = "raise the channel's max_recv (lgen bench: --max-recv-message-size)";
  const std::size_t at = error.message.find(kTheirs);
  if (at == std::string::npos) return error;
  error.message.replace(at, kTheirs.size(), "raise --max-recv-message-size, or give --proto FILE or --protoset FILE");
  error.code = ErrorCode::invalid_argument;
  return error;
}

/// A loop that SIGINT and SIGTERM stop, though they may have been ignored so far; a second one ends the process.
class Interruptible {
 public:
  explicit Interruptible(Loop& loop) : loop_(loop) {
    for (const int signal : kSignals) {
      loop_.on_signal(signal, [this](int got) {
        if (signal_ != 0) _exit(128 + got);
        signal_ = got;
      });
    }
  }
  ~Interruptible() {
    for (const int signal : kSignals) loop_.on_signal(signal, {});
  }

  /// Whether `done` came before a signal.
  bool run_until(const std::function<bool()>& done) {
    loop_.run_until([&] { return signal_ != 0 || done(); });
    return signal_ == 0;
  }
  Error stopped() const { return make_error(ErrorCode::cancelled, signal_ == SIGINT ? "interrupted" : "terminated"); }

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM};
  Loop& loop_;
  int signal_ = 0;
};

/// The server may take --wait-ready for connecting, and once more for its answers.
Result<std::unique_ptr<Schema>> ask_server(const Settings& settings, const Metadata& metadata,
                                           std::optional<std::uint64_t> max_recv) {
  RealClock clock;
  Loop loop(clock);
  Interruptible until(loop);
  ChannelOptions wire;
  wire.tls = settings.tls;
  wire.authority = settings.authority;
  wire.use_env_proxy = settings.use_env_proxy;
  wire.max_recv = max_recv;
  wire.net = settings.net;
  // What gRPC core cannot honour is honoured all the same.
  const bool own = settings.net || settings.key_log_given;
  auto channel = make_channel(own ? "h2" : settings.transport, loop, settings.target, wire);
  if (!channel) return channel.error();
  std::optional<Outcome> ready;
  const Op waiting = (*channel)->wait_ready(loop.precise_now() + settings.wait_ready,
                                            [&](Outcome outcome) { ready = std::move(outcome); });
  if (!until.run_until([&] { return ready.has_value(); })) return until.stopped();
  if (!*ready) return not_ready(ready->error(), settings);
  ReflectionOptions options;
  options.metadata = metadata;
  options.timeout = settings.wait_ready;
  options.instead = "--proto FILE or --protoset FILE";
  std::optional<Result<std::unique_ptr<Schema>>> schema;
  const Op asking = Schema::from_reflection(**channel, options, [&](auto result) { schema = std::move(result); });
  if (!until.run_until([&] { return schema.has_value(); })) return until.stopped();
  return std::move(*schema);
}

Result<SchemaSource> from_reflection(const Settings& settings, const Metadata& metadata,
                                     std::optional<std::uint64_t> max_recv) {
  if (settings.target.empty()) {
    return make_error(ErrorCode::invalid_argument,
                      "where are the types? Give --proto FILE, --protoset FILE, or a target to ask by reflection");
  }
  auto schema = ask_server(settings, metadata, max_recv);
  if (!schema) return in_words_of_reflection(schema.error());
  SchemaSource source{std::move(*schema), {.is_table = true}, true};
  source.lua.entries.push_back({"reflection", {"channel"}});
  return source;
}

}  // namespace

Result<SchemaSource> load_schema(const Words& words, const Settings& settings, const Metadata& metadata,
                                 const std::string& folder) {
  ProtoFiles files{words.all("proto"), split_commas(words.all("import-paths")), "", {}};
  const std::vector<std::string> protosets = words.all("protoset");
  if (!files.files.empty() && !protosets.empty()) {
    return make_error(ErrorCode::invalid_argument, "--proto and --protoset: give one of them");
  }
  if (files.files.empty() && !files.import_paths.empty()) {
    return make_error(ErrorCode::invalid_argument, "--import-paths: belongs to --proto, which is not given");
  }
  if (!protosets.empty()) return from_protosets(protosets, folder);
  if (files.files.empty() && settings.local) files.files = bundled_names();
  if (!files.files.empty()) return from_files(std::move(files), folder);
  const auto max_recv = parse_size(words.text("max-recv-message-size"));  // what is no size is refused with the rest
  return from_reflection(settings, metadata, max_recv ? std::optional(*max_recv) : std::nullopt);
}

int refuse_schema(std::string_view command, const Error& error) {
  complain(fmt::format("{}: {}", command, error.message));
  if (error.code == ErrorCode::cancelled) return kStopped;
  return error.code == ErrorCode::invalid_argument || error.code == ErrorCode::not_found ? kConfiguration : kFailed;
}

}  // namespace lgen::cli
