// The engine's own options, for every plan: one table of what there is, and the merge of where it was said
// (defaults < plan < --config file < LGEN_* environment < flags).
// Thread: values.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/log.h"
#include "lgen/net_options.h"
#include "lgen/time.h"
#include "lgen/tls.h"

namespace lgen {

enum class OptionLayer { plan, config, environment, flags };
inline constexpr std::size_t kOptionLayers = 4;

/// A row of an option table: argv is read by it, and --help, shell completion and the manual are made from it.
struct OptionRow {
  std::string_view name;   // "server-name": the flag is --server-name
  std::string_view value;  // placeholder in --help, "HOST:PORT"; "" for a switch; "[..]" when the value may be left out
  std::string_view help;
  std::string_view fallback;  // default as text; "" none
  std::string_view group;     // heading in --help
  bool repeatable = false;
  char letter = '\0';  // 'n': -n says the same
};

/// The engine's; what is here as --server-name can be said as LGEN_SERVER_NAME in the environment, too.
std::span<const OptionRow> engine_options();

/// --vus, --duration, --iterations, --rate, --max-vus: load fields by scenario; "" is every scenario that has the
/// field. A config file names any of scenario_fields(); its stages are "30s:10,1m:50" here.
struct LoadOverride {
  std::string scenario, field, value;
  std::string where = "";  // as messages call it: "c.json: scenarios.s.rate"; "": --FIELD
};

/// All engine options as typed values.
struct Settings {
  std::string target;
  std::optional<TlsOptions> tls;  // nothing: plaintext
  std::string security;           // the choice in words, for the report
  std::string transport = "grpc";
  std::string authority;
  bool use_env_proxy = false;
  std::shared_ptr<const NetOptions> net;  // nothing: connections go where targets and URLs say
  std::string key_log;                    // of --key-log or SSLKEYLOGFILE
  bool key_log_given = false;             // by --key-log
  Duration wait_ready = std::chrono::seconds(30);
  std::string wait_ready_flag = "--wait-ready";  // as messages call it
  std::optional<std::string> local;              // --local[=SPEC]
  std::vector<std::string> metrics;              // of --metrics, as given
  std::uint64_t seed = 0;
  bool seed_given = false;
  std::vector<std::string> outputs;  // of --out, as given
  LogLevel log_level = LogLevel::warn;
  std::string log_file;
  std::uint64_t trace = 0;  // first N calls whole
  bool allow_failures = false;
  bool fail_on_invalid = true;  // --validity fail|warn
  Duration stop_timeout = std::chrono::seconds(10);
  std::vector<std::pair<std::string, std::string>> tags;
  bool quiet = false, no_color = false, precise = false;
  std::vector<LoadOverride> load_overrides;
  double time_scale = 1;
};

/// Collects raw texts by layer, resolves them into Settings.
class EngineOptions {
 public:
  /// Fails on an unknown name (with a did-you-mean) or a value of the wrong form. `where` goes in front of the message.
  Outcome set(OptionLayer layer, std::string_view name, std::vector<std::string> values, std::string_view where);
  /// A load field of a config file, for one scenario.
  void override_load(LoadOverride wanted) { config_loads_.push_back(std::move(wanted)); }
  /// The flag was given by another name, by which messages call it: --connect-timeout for wait-ready.
  void call(std::string_view name, std::string flag) { flags_[std::string(name)] = std::move(flag); }
  /// What the strongest layer says ("" when none does).
  std::string text(std::string_view name) const;
  /// LGEN_TARGET and the like, from the process' environment.
  Outcome read_environment();
  /// Fails on options that contradict each other (--tls with --plaintext, --ca with --plaintext).
  Result<Settings> resolve() const;
  /// What was said, by name, the strongest layer of each: for the report.
  std::vector<std::pair<std::string, std::string>> given() const;

 private:
  using Names = std::map<std::string, std::string, std::less<>>;
  Names names_in_messages() const;
  std::vector<std::string> texts_of(OptionLayer layer, std::string_view name) const;
  std::vector<LoadOverride> load_overrides() const;

  std::array<std::map<std::string, std::vector<std::string>, std::less<>>, kOptionLayers> layers_;
  std::vector<LoadOverride> config_loads_;
  std::map<std::string, std::string, std::less<>> flags_;  // by name
};

/// The options that override a field of a load: "vus", "max-vus" ...
std::span<const std::string_view> load_fields();

/// All fields of a scenario that a config file overrides: those, and "max-duration", "stages" ... that no flag sets.
std::span<const std::string_view> scenario_fields();

/// The one of scenario_fields() that a plan or a file calls `name`: "max_vus" -> "max-vus"; "" when there is none.
std::string scenario_field(std::string name);

/// True when `name` is an engine option (plans may not declare it).
bool is_engine_option(std::string_view name);

/// "LGEN_VSU is no option of lgen (did you mean 'LGEN_VUS'?)" for every variable of the process' environment that is
/// nearly one of lgen's; what is far from all of them is somebody else's.
std::vector<std::string> misspelt_environment();

/// "host:port", "[v6]:port", or a gRPC URI (dns:///…, ipv4:…, unix:…), whose form is gRPC's business. Anything else, or
/// a port outside 1..65535, is an error: gRPC itself would take the port modulo 65536, or 443.
Outcome check_address(std::string_view target);

/// Without TLS flags: TLS with system roots when the port is 443, else plaintext. Splits "host:port", "[v6]:port",
/// "dns:///host:port".
bool default_port_wants_tls(std::string_view target);

}  // namespace lgen
