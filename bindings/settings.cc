#include "lgen/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "lgen/grpc.h"
#include "lgen/units.h"

namespace lgen {
namespace {

// Order and groups as --help shows them.
constexpr OptionRow kOptions[] = {
    {"target", "HOST:PORT", "the service under test; read as lgen.target", "", "Target"},
    {"transport", "grpc|h2", "gRPC core, or lgen's own HTTP/2 client: a channel is one connection", "grpc", "Target"},
    {"tls", "", "TLS, whatever the port", "", "Target"},
    {"plaintext", "", "no TLS, whatever the port", "", "Target"},
    {"ca", "FILE", "certificates to trust (PEM) instead of the system's", "", "Target"},
    {"cert", "FILE", "client certificate (PEM)", "", "Target"},
    {"key", "FILE", "its key (PEM)", "", "Target"},
    {"server-name", "NAME", "name in the server's certificate, SNI and :authority", "", "Target"},
    {"skip-verify", "", "accept any certificate", "", "Target"},
    {"authority", "NAME", ":authority, when it is not the server name", "", "Target"},
    {"proxy", "env", "use the proxy of the environment; default: never", "", "Target"},
    {"connect-to", "H1:P1:H2:P2", "connect to H2:P2 where H1:P1 is asked for; each may be empty (HTTP, transport h2)",
     "", "Target", true},
    {"resolve", "HOST:PORT:ADDR,...", "addresses of HOST:PORT; HOST may be * (HTTP, transport h2)", "", "Target", true},
    {"interface", "ADDR|NAME,...", "where connections come from, in turn (HTTP, transport h2)", "", "Target"},
    {"key-log", "FILE", "append the keys of TLS connections; default: SSLKEYLOGFILE (HTTP, transport h2)", "",
     "Target"},
    {"wait-ready", "DURATION", "how long the channels may take to connect at the start", "30s", "Target"},
    {"local", "[SPEC]",
     "start a stand-in cluster: pods=3,balance=connection|stream|zones,zones=2 or "
     "manifests=PATH,service=NAME,time-scale=20",
     "", "Target"},
    {"metrics", "WHERE", "the pods' metrics pages: a URL, dns:///NAME:PORT or sd+URL; read as lgen.metrics", "",
     "Target", true},
    {"vus", "[SCENARIO=]N", "override the number of virtual users", "", "Load", true},
    {"duration", "[SCENARIO=]DURATION", "override how long", "", "Load", true},
    {"iterations", "[SCENARIO=]N", "override the number of iterations", "", "Load", true},
    {"rate", "[SCENARIO=]R", "override the iterations started a second", "", "Load", true},
    {"max-vus", "[SCENARIO=]N", "override how many iterations may run at a time", "", "Load", true},
    {"time-scale", "K", "the plan's time runs K times as fast: stages, rates, sleeps, every; no timeout", "1", "Load"},
    {"seed", "N", "random seed; default: a new one every run, printed", "", "Run"},
    {"tag", "KEY=VALUE", "label everything counted", "", "Run", true},
    {"stop-timeout", "DURATION", "grace for running iterations after Ctrl-C", "10s", "Run"},
    {"allow-failures", "", "exit 0 although checks, thresholds or all calls failed", "", "Run"},
    {"validity", "fail|warn", "what an INVALID run does to the exit code", "fail", "Run"},
    {"precise", "", "spin for the last millisecond before a timer", "", "Run"},
    {"config", "FILE", "JSON: {engine: {}, options: {}, scenarios: {NAME: {load fields}}}", "", "Run"},
    {"out", "FORMAT=FILE", "write results in a format listed below; FILE - is standard output", "", "Output", true},
    {"trace", "[N]", "print the first N calls whole; alone: 1", "", "Output"},
    {"log", "LEVEL[,FILE]", "debug, info, warn, error or off", "warn", "Output"},
    {"quiet", "", "no progress", "", "Output"},
    {"no-color", "", "no colours", "", "Output"},
};

constexpr std::string_view kLoadFields[] = {"vus", "duration", "iterations", "rate", "max-vus"};
constexpr std::string_view kScenarioFields[] = {"vus",       "duration",    "iterations",    "rate",         "max-vus",
                                                "start-vus", "stages",      "start-rate",    "max-duration", "backlog",
                                                "arrivals",  "start-after", "graceful-stop", "background"};
constexpr double kMostTimeScale = 1e6;

const OptionRow* find_option(std::string_view name) {
  const auto* at =
      std::find_if(std::begin(kOptions), std::end(kOptions), [&](const auto& o) { return o.name == name; });
  return at == std::end(kOptions) ? nullptr : at;
}

constexpr std::string_view kPrefix = "LGEN_";

/// "wait-ready" -> "WAIT_READY", which follows kPrefix in the environment.
std::string variable_of(std::string_view option) {
  std::string variable;
  for (const char c : option) variable += c == '-' ? '_' : static_cast<char>(std::toupper(c));
  return variable;
}

/// The strongest layer's texts of every option, with typed readers that keep the first error.
class Reader {
 public:
  using Texts = std::map<std::string, std::vector<std::string>, std::less<>>;
  using Flags = std::map<std::string, std::string, std::less<>>;
  Reader(Texts texts, Flags names) : texts_(std::move(texts)), names_(std::move(names)) {}

  bool has(std::string_view name) const { return texts_.find(name) != texts_.end(); }
  const std::vector<std::string>& all(std::string_view name) const {
    static const std::vector<std::string> kNone;
    const auto at = texts_.find(name);
    return at == texts_.end() ? kNone : at->second;
  }
  std::string text(std::string_view name) const {
    const auto& values = all(name);
    return values.empty() ? std::string(find_option(name)->fallback) : values.back();
  }
  bool flag(std::string_view name) {
    const auto& values = all(name);
    if (values.empty()) return false;
    if (values.back() == "true" || values.back().empty()) return true;
    if (values.back() != "false") fail(name, fmt::format("'{}' is neither true nor false", values.back()));
    return false;
  }
  Duration duration(std::string_view name) {
    const auto value = parse_duration(text(name));
    if (!value) fail(name, value.error().message);
    return value ? *value : Duration{0};
  }
  std::uint64_t number(std::string_view name, std::string_view shown) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(shown.data(), shown.data() + shown.size(), value);
    if (error != std::errc{} || end != shown.data() + shown.size()) {
      fail(name, fmt::format("'{}' is no whole number", shown));
    }
    return value;
  }
  void fail(std::string_view name, std::string_view what) {
    if (!error_) error_ = make_error(ErrorCode::invalid_argument, fmt::format("{}: {}", flag_name(name), what));
  }
  /// "--ca", or by what name it was given.
  std::string flag_name(std::string_view name) const {
    const auto at = names_.find(name);
    return at == names_.end() ? fmt::format("--{}", name) : at->second;
  }
  const std::optional<Error>& error() const { return error_; }

 private:
  Texts texts_;
  Flags names_;
  std::optional<Error> error_;
};

/// "a=b" -> {a, b}; fails without '='.
std::pair<std::string, std::string> split_pair(Reader& read, std::string_view option, const std::string& text,
                                               std::string_view form) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    read.fail(option, fmt::format("'{}' is not of the form {}", text, form));
    return {};
  }
  return {text.substr(0, equals), text.substr(equals + 1)};
}

void resolve_tls(Reader& read, Settings& settings) {
  const bool wants_tls = read.flag("tls");
  const bool wants_plaintext = read.flag("plaintext");
  const bool skip_verify = read.flag("skip-verify");
  if (wants_tls && wants_plaintext) read.fail("tls", "contradicts --plaintext; give one of them");
  if (wants_plaintext) {
    for (const std::string_view name : {"ca", "cert", "key"}) {
      if (!read.text(name).empty()) read.fail(name, "means TLS, but --plaintext is given");
    }
    if (skip_verify) read.fail("skip-verify", "means TLS, but --plaintext is given");
  }
  if (read.text("cert").empty() != read.text("key").empty()) {
    read.fail(read.text("cert").empty() ? "key" : "cert", "--cert and --key belong together; the other one is missing");
  }
  if (skip_verify && !read.text("ca").empty()) read.fail("ca", "contradicts --skip-verify");
  const bool implied = !read.text("ca").empty() || !read.text("cert").empty() || skip_verify;
  const bool by_port = !wants_plaintext && !wants_tls && !implied && default_port_wants_tls(settings.target);
  if (wants_plaintext || !(wants_tls || implied || by_port)) {
    settings.security = "plaintext";
    return;
  }
  TlsOptions tls{.ca = read.text("ca"),
                 .cert = read.text("cert"),
                 .key = read.text("key"),
                 .server_name = read.text("server-name"),
                 .verify = !skip_verify};
  settings.security = fmt::format(
      "TLS, {}{}{}",
      !tls.verify ? "certificate not verified" : (tls.ca.empty() ? "system roots" : fmt::format("CA {}", tls.ca)),
      tls.server_name.empty() ? "" : fmt::format(", name {}", tls.server_name),
      by_port ? " (because of port 443)" : "");
  settings.tls = std::move(tls);
}

void resolve_log(Reader& read, Settings& settings) {
  const std::string text = read.text("log");
  const std::size_t comma = text.find(',');
  const auto level = parse_log_level(text.substr(0, comma));
  if (!level) return read.fail("log", level.error().message);
  settings.log_level = *level;
  if (comma != std::string::npos) settings.log_file = text.substr(comma + 1);
}

/// "30" or "scenario=30".
LoadOverride parse_load(std::string_view field, const std::string& text, std::string where) {
  const std::size_t equals = text.find('=');
  const bool named = equals != std::string::npos;
  return {named ? text.substr(0, equals) : "", std::string(field), named ? text.substr(equals + 1) : text,
          std::move(where)};
}

void resolve_choices(Reader& read, Settings& settings) {
  if (settings.transport != "grpc" && settings.transport != "h2") {
    read.fail("transport", fmt::format("unknown transport '{}'; there are grpc and h2", settings.transport));
  }
  const std::string proxy = read.text("proxy");
  if (!proxy.empty() && proxy != "env") read.fail("proxy", fmt::format("'{}': there is only env", proxy));
  settings.use_env_proxy = proxy == "env";
  const std::string validity = read.text("validity");
  if (validity != "fail" && validity != "warn") {
    read.fail("validity", fmt::format("'{}' is not fail or warn", validity));
  }
  settings.fail_on_invalid = validity == "fail";
}

/// Where connections go and come from.
void resolve_net(Reader& read, Settings& settings) {
  auto net = std::make_shared<NetOptions>();
  using Add = Outcome (*)(NetOptions&, std::string_view);
  constexpr std::pair<std::string_view, Add> kOptionsOfNet[] = {
      {"connect-to", add_connect_to}, {"resolve", add_resolve}, {"interface", add_sources}};
  for (const auto& [name, add] : kOptionsOfNet) {
    for (const std::string& text : read.all(name)) {
      if (const Outcome ok = add(*net, text); !ok) read.fail(name, ok.error().message);
    }
  }
  if (!net->empty()) settings.net = std::move(net);
  settings.key_log_given = !read.text("key-log").empty();
  const char* variable = std::getenv("SSLKEYLOGFILE");
  settings.key_log = settings.key_log_given ? read.text("key-log") : variable ? variable : "";
  if (settings.tls) settings.tls->key_log = settings.key_log;
}

void resolve_time_scale(Reader& read, Settings& settings) {
  const std::string text = read.text("time-scale");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), settings.time_scale);
  const bool number = error == std::errc{} && end == text.data() + text.size();
  if (!number || !(settings.time_scale >= 1 / kMostTimeScale && settings.time_scale <= kMostTimeScale)) {
    read.fail("time-scale", fmt::format("'{}' is no number between 0.000001 and 1000000", text));
  }
}

/// gRPC 1.51 never finds it: without a port its resolver asks again for ever, and keeps 74 KB each time.
bool lacks_port_at_name_server(std::string_view target) {
  constexpr std::string_view kDns = "dns://";
  const std::size_t slash = target.find('/', kDns.size());
  return target.starts_with(kDns) && slash != kDns.size() && slash != std::string_view::npos &&
         target.find(':', slash) == std::string_view::npos;
}

}  // namespace

std::span<const OptionRow> engine_options() { return kOptions; }

std::span<const std::string_view> load_fields() { return kLoadFields; }
std::span<const std::string_view> scenario_fields() { return kScenarioFields; }

std::string scenario_field(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  const auto at = std::find(std::begin(kScenarioFields), std::end(kScenarioFields), name);
  return at == std::end(kScenarioFields) ? "" : name;
}

bool is_engine_option(std::string_view name) { return name == "help" || find_option(name); }

Outcome check_address(std::string_view target) {
  if (lacks_port_at_name_server(target)) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("'{}' has no port; write dns://SERVER/NAME:PORT", target));
  }
  constexpr std::string_view kSchemes[] = {"dns:", "ipv4:", "ipv6:", "unix:", "unix-abstract:", "xds:"};
  const bool is_uri = std::any_of(std::begin(kSchemes), std::end(kSchemes),
                                  [&](std::string_view scheme) { return target.starts_with(scheme); });
  if (is_uri) return Done{};
  if (const std::size_t slashes = target.find("://"); slashes != std::string_view::npos) {
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("'{}' is a URL; write HOST:PORT alone, as in {}", target,
                                  target.substr(slashes + 3, target.find('/', slashes + 3) - slashes - 3)));
  }
  const std::size_t colon = target.rfind(':');
  const std::string_view host = target.substr(0, colon);
  const bool bare_v6 = host.find(':') != std::string_view::npos && !(host.starts_with('[') && host.ends_with(']'));
  if (colon == std::string_view::npos || host.empty() || bare_v6) {
    return make_error(ErrorCode::invalid_argument, fmt::format("'{}' is no address; write HOST:PORT{}", target,
                                                               bare_v6 ? ", [ADDRESS]:PORT for IPv6" : ""));
  }
  const std::string_view text = target.substr(colon + 1);
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port < 1 || port > 65535) {
    return make_error(ErrorCode::invalid_argument, fmt::format("'{}' has no port within 1..65535", target));
  }
  return Done{};
}

bool default_port_wants_tls(std::string_view target) {
  const std::size_t colon = target.rfind(':');
  return colon != std::string_view::npos && target.substr(colon + 1) == "443";
}

Outcome EngineOptions::set(OptionLayer layer, std::string_view name, std::vector<std::string> values,
                           std::string_view where) {
  if (!find_option(name)) {
    std::vector<std::string_view> names;
    for (const OptionRow& option : kOptions) names.push_back(option.name);
    const std::string_view guess = did_you_mean(name, names);
    return make_error(ErrorCode::invalid_argument,
                      fmt::format("{}: unknown engine option '{}'{}", where, name,
                                  guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
  }
  layers_[static_cast<std::size_t>(layer)][std::string(name)] = std::move(values);
  return Done{};
}

/// What one layer says, as flags would say it.
std::vector<std::string> EngineOptions::texts_of(OptionLayer layer, std::string_view name) const {
  const auto& said = layers_[static_cast<std::size_t>(layer)];
  const auto at = said.find(name);
  std::vector<std::string> texts = at == said.end() ? std::vector<std::string>() : at->second;
  if (layer != OptionLayer::config) return texts;
  for (const LoadOverride& wanted : config_loads_) {
    if (wanted.field == name) texts.push_back(fmt::format("{}={}", wanted.scenario, wanted.value));
  }
  return texts;
}

/// An option that a config file has the last word on is called by its place there.
EngineOptions::Names EngineOptions::names_in_messages() const {
  Names names = flags_;
  const auto& stronger = layers_[static_cast<std::size_t>(OptionLayer::environment)];
  const auto& strongest = layers_[static_cast<std::size_t>(OptionLayer::flags)];
  for (const auto& [name, values] : layers_[static_cast<std::size_t>(OptionLayer::config)]) {
    if (stronger.contains(name) || strongest.contains(name)) continue;
    names[name] = fmt::format("{}: engine.{}", text("config"), name);
  }
  return names;
}

/// Those of all layers, the strongest last.
std::vector<LoadOverride> EngineOptions::load_overrides() const {
  std::vector<LoadOverride> list;
  for (std::size_t layer = 0; layer < kOptionLayers; ++layer) {
    const bool in_file = layer == static_cast<std::size_t>(OptionLayer::config);
    for (const std::string_view field : kLoadFields) {
      const auto at = layers_[layer].find(field);
      if (at == layers_[layer].end()) continue;
      const std::string where = in_file ? fmt::format("{}: engine.{}", text("config"), field) : "";
      for (const std::string& text : at->second) list.push_back(parse_load(field, text, where));
    }
    if (in_file) list.insert(list.end(), config_loads_.begin(), config_loads_.end());
  }
  return list;
}

std::string EngineOptions::text(std::string_view name) const {
  for (std::size_t layer = kOptionLayers; layer-- > 0;) {
    const auto at = layers_[layer].find(name);
    if (at != layers_[layer].end() && !at->second.empty()) return at->second.back();
  }
  return "";
}

Outcome EngineOptions::read_environment() {
  for (const OptionRow& option : kOptions) {
    const std::string variable = std::string(kPrefix) + variable_of(option.name);
    if (const char* value = std::getenv(variable.c_str())) {
      if (const Outcome set_it = set(OptionLayer::environment, option.name, {value}, variable); !set_it) return set_it;
    }
  }
  return Done{};
}

std::vector<std::string> misspelt_environment() {
  std::vector<std::string> known, lines;
  for (const OptionRow& option : kOptions) known.push_back(variable_of(option.name));
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view variable = std::string_view(*entry).substr(0, std::string_view(*entry).find('='));
    if (!variable.starts_with(kPrefix)) continue;
    const std::string_view name = variable.substr(kPrefix.size());
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string_view guess = did_you_mean(name, known);
    if (guess.empty()) continue;
    lines.push_back(
        fmt::format("the environment's {} is no option of lgen (did you mean '{}{}'?)", variable, kPrefix, guess));
  }
  return lines;
}

std::vector<std::pair<std::string, std::string>> EngineOptions::given() const {
  std::vector<std::pair<std::string, std::string>> list;
  for (const OptionRow& option : kOptions) {
    for (std::size_t layer = kOptionLayers; layer-- > 0;) {
      const auto texts = texts_of(static_cast<OptionLayer>(layer), option.name);
      if (texts.empty()) continue;
      list.emplace_back(option.name, fmt::format("{}", fmt::join(texts, ",")));
      break;
    }
  }
  return list;
}

Result<Settings> EngineOptions::resolve() const {
  Reader::Texts merged;
  for (const auto& layer : layers_) {
    for (const auto& [name, values] : layer) {
      auto& texts = merged[name];
      if (name != "tag") texts.clear();  // tags of all layers count, of all else those of the strongest one
      texts.insert(texts.end(), values.begin(), values.end());
    }
  }
  Reader read(std::move(merged), names_in_messages());
  Settings settings;
  settings.target = read.text("target");
  if (read.has("target")) {
    if (const Outcome ok = check_address(settings.target); !ok) read.fail("target", ok.error().message);
  }
  settings.transport = read.text("transport");
  for (const std::string_view name : {"authority", "server-name"}) {
    if (const Outcome ok = check_authority(read.text(name)); !ok) read.fail(name, ok.error().message);
  }
  settings.authority = !read.text("authority").empty() ? read.text("authority") : read.text("server-name");
  resolve_tls(read, settings);
  resolve_choices(read, settings);
  resolve_net(read, settings);
  settings.wait_ready = read.duration("wait-ready");
  settings.wait_ready_flag = read.flag_name("wait-ready");
  if (read.has("local")) settings.local = read.text("local");
  settings.metrics = read.all("metrics");
  settings.seed_given = read.has("seed");
  if (settings.seed_given) settings.seed = read.number("seed", read.text("seed"));
  settings.outputs = read.all("out");
  resolve_log(read, settings);
  if (read.has("trace")) settings.trace = read.text("trace").empty() ? 1 : read.number("trace", read.text("trace"));
  settings.allow_failures = read.flag("allow-failures");
  settings.stop_timeout = read.duration("stop-timeout");
  for (const std::string& tag : read.all("tag")) settings.tags.push_back(split_pair(read, "tag", tag, "KEY=VALUE"));
  settings.quiet = read.flag("quiet");
  settings.no_color = read.flag("no-color");
  settings.precise = read.flag("precise");
  settings.load_overrides = load_overrides();
  resolve_time_scale(read, settings);
  if (read.error()) return *read.error();
  return settings;
}

}  // namespace lgen
