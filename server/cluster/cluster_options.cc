#include "cluster_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "error.h"
#include "flag_errors.h"
#include "layout.h"
#include "standard_streams.h"

namespace lgen::cluster {

namespace {

constexpr const char* kFooter = R"(
Flags after -- are passed to every pod: lgen-cluster --pods 2 -- --max-connection-age 2s

One line on stdout says that every pod is ready:
  lgen-cluster ready: address=127.0.0.1:18443 balance=connection pods=3 base-ip=127.0.0.11 sd=http://... run=DIR logs=DIR
sd is the pods' metrics addresses as Prometheus HTTP service discovery; run holds haproxy.cfg, haproxy.sock (the
runtime API), haproxy.log and NAME.pid of every pod; logs holds NAME.log. The run directory is removed at the end, a
--log-dir is kept.

TLS: with --balance stream or zones HAProxy ends TLS (ALPN h2) and speaks plaintext to the pods, because it must see the
streams. With --balance connection it passes bytes through and the pods themselves hold the certificate.

The cluster runs until SIGTERM, SIGINT or SIGHUP, or until the process that started it is gone; a second signal kills.
A pod that dies is reported on stderr and not started again.

With -f it is a Kubernetes cluster in small: Deployments (probes, preStop, grace periods, rolling updates, restarts with
back-off), HorizontalPodAutoscalers (over the pods' metrics pages and their CPU) and Services of the manifests; every
container is an lgen-server. What is in other manifests is named and skipped.
  kustomize build k8s/base | lgen-cluster -f - --time-scale 20
Services are ports of HAProxy's, headless ones names in a DNS server: dns://127.0.0.1:PORT/NAME:PORT. Its stdout is one
JSON event a line, of which "started" has all addresses and "ready" comes when the pods are there; GET /events on the
--sd-port gives those so far.
  lgen-cluster get pods|hpa|deployments [-w]           lgen-cluster describe hpa
  lgen-cluster rollout restart|status deployment/NAME
  lgen-cluster scale deployment/NAME --replicas N      lgen-cluster delete pod NAME
speak to the running one, like kubectl; where several run, --status SOCKET or $LGEN_CLUSTER_STATUS says which (each
"started" names its own). --time-scale 20 divides the times in the manifests by 20, as well as times of a
server's life in its args (--max-connection-age, --drain-delay, ...) and `sleep` in commands; time-outs of probes are not
divided, nor is the time a startup probe gives: no program starts or answers any faster.

Who reads the events ends the cluster by going away; for one without a reader give it > FILE or > /dev/null.

Exit codes: 0 stopped as asked; 104 nothing could be started (flags, files, ports, programs); 1 a pod or HAProxy failed;
113 with -f: nobody reads the events any more.)";

Balance parse_balance(const std::string& word) {
  for (const Balance balance : {Balance::kConnection, Balance::kStream, Balance::kZones}) {
    if (word == to_string(balance)) return balance;
  }
  throw CLI::ValidationError("--balance", word + " is no way of balancing; give connection, stream or zones");
}

std::optional<double> number_of(const std::string& text, std::size_t& end) {
  double value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  end = static_cast<std::size_t>(rest - text.data());
  return error == std::errc() && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// Nothing: it is none, below 0, or beyond ten years.
std::optional<double> seconds_of(const std::string& text) {
  static const std::map<std::string, double> kUnits = {{"", 1}, {"ms", 0.001}, {"s", 1}, {"m", 60}, {"h", 3600}};
  constexpr double kMost = 10.0 * 366 * 86400;
  std::size_t end = 0;
  const auto number = number_of(text, end);
  const auto unit = kUnits.find(number ? text.substr(std::min(text.find_first_not_of(' ', end), text.size())) : "");
  if (!number || unit == kUnits.end()) return std::nullopt;
  const double seconds = *number * unit->second;
  return seconds >= 0 && seconds <= kMost ? std::optional(seconds) : std::nullopt;
}

void set_time_scale(double& target, const std::string& text) {
  std::size_t end = 0;
  const auto number = number_of(text, end);
  if (!number || end != text.size() || *number < 0.01 || *number > 1000) {
    throw CLI::ValidationError("--time-scale", text + " is no number from 0.01 to 1000, such as 20");
  }
  target = *number;
}

template <class Time>
void add_time(CLI::App& app, const std::string& flag, Time& target, const std::string& help) {
  const auto set = [flag, &target](const std::string& text) {
    const auto seconds = seconds_of(text);
    if (!seconds) throw CLI::ValidationError(flag, text + " is no time such as 500ms, 1.5s, 2m or 1h, 0 or more");
    target = std::chrono::duration_cast<Time>(std::chrono::duration<double>(*seconds));
  };
  app.add_option_function<std::string>(flag, set, help)->type_name("TIME");
}

void add_manifest_options(CLI::App& app, ClusterOptions& o) {
  app.add_option("-f,--filename", o.manifests, "Kubernetes manifests: a file, a folder, or - for standard input")
      ->type_name("PATH");
  app.add_option("--deployment", o.deployments, "Runs this Deployment, and others so named, alone; with -f (all)");
  app.add_option("--dns-port", o.dns_port,
                 "UDP port on 127.0.0.1 of the headless services' names; 0 takes a free one; with -f (0)");
  app.add_option_function<std::string>(
         "--time-scale", [&o](const std::string& text) { set_time_scale(o.time_scale, text); },
         "How many times as fast the cluster's time runs; with -f (1)")
      ->type_name("FLOAT");
  app.add_option("--service", o.service, "The Service that --port is for; with -f (the first that is not HTTP/1.1)");
  add_time(app, "--endpoint-delay", o.endpoint_delay,
           "How long after a pod's change of readiness the balancer hears of it; with -f (1s)");
  add_time(app, "--scrape-interval", o.scrape_interval, "Between scrapes of a pod for the autoscaler; with -f (15s)");
  add_time(app, "--metric-lag", o.metric_lag,
           "How long a scraped value takes to the autoscaler, as through a monitoring system; with -f (0s)");
}

void add_options(CLI::App& app, ClusterOptions& o) {
  app.add_option("--pods", o.pods, "Number of lgen-server pods (3; 2 per zone with --balance zones)");
  app.add_option_function<std::string>(
         "--balance", [&o](const std::string& word) { o.balance = parse_balance(word); },
         "What is dealt to the pods: connection, stream or zones (connection)")
      ->type_name("MODE");
  app.add_option("--zones", o.zones, "Zones for --balance zones (2)")->check(CLI::Range(1, 26));
  app.add_option("--port", o.port, "Port of the balancer on 127.0.0.1; 0 takes a free one (18443)");
  app.add_option("--base-ip", o.base_ip, "First pod's loopback address, or auto: the first free 127.x.y.11 (auto)");
  app.add_option("--sd-port", o.sd_port, "Port of the service discovery on 127.0.0.1; 0 takes a free one (0)");
  app.add_option("--tls-cert", o.tls.cert, "PEM certificate chain; needs --tls-key");
  app.add_option("--tls-key", o.tls.key, "PEM private key; needs --tls-cert");
  app.add_option("--log-dir", o.log_dir, "Directory for the pods' logs, kept (default: in the run directory)");
  app.add_option("--max-streams", o.max_streams, "HAProxy's HTTP/2 streams per connection (1000)")
      ->check(CLI::Range(1, 1000000));
  app.add_option("--haproxy", o.haproxy, "HAProxy's program (default: from PATH or /usr/sbin)");
  add_time(app, "--ready-timeout", o.ready_timeout, "Give up when a pod is not ready after this long (60s)");
  add_manifest_options(app, o);
}

// The flags lgen-cluster gives every pod itself; a second value would split the balancer's view from the pod's.
void check_pod_flags(const std::vector<std::string>& flags) {
  constexpr std::array<std::string_view, 7> kOwn = {"--bind", "--grpc-port", "--metrics-port", "--pod",
                                                    "--zone", "--tls-cert",  "--tls-key"};
  for (const std::string& flag : flags) {
    const std::string_view name = std::string_view(flag).substr(0, flag.find('='));
    if (std::find(kOwn.begin(), kOwn.end(), name) == kOwn.end()) continue;
    const bool tls = name.starts_with("--tls");
    throw ClusterError(fmt::format("{} after -- is lgen-cluster's own to set; {}", name,
                                   tls ? "give it before the --" : "leave it out"));
  }
}

// What only makes sense with manifests, and what they say themselves.
void check_manifests(const CLI::App& app, const ClusterOptions& o) {
  for (const char* flag : {"--deployment", "--dns-port", "--time-scale", "--service", "--endpoint-delay",
                           "--scrape-interval", "--metric-lag"}) {
    if (o.manifests.empty() && app.count(flag) > 0) throw ClusterError(fmt::format("{} needs -f", flag));
  }
  for (const char* flag : {"--pods", "--ready-timeout"}) {
    if (!o.manifests.empty() && app.count(flag) > 0) {
      throw ClusterError(fmt::format("{} is for a cluster without manifests; with -f these say it", flag));
    }
  }
  if (o.scrape_interval < std::chrono::seconds(1)) throw ClusterError("--scrape-interval must be 1s at least");
}

void check_zones(const CLI::App& app, ClusterOptions& o) {
  if (o.balance != Balance::kZones) {
    if (app.count("--zones") > 0) throw ClusterError("--zones is for --balance zones only; leave it out");
    return;
  }
  if (o.zones == 0) o.zones = 2;
  if (!o.manifests.empty()) return;
  if (app.count("--pods") == 0) o.pods = 2 * o.zones;
  if (o.pods < 2 * o.zones) {
    throw ClusterError(
        fmt::format("--balance zones needs two pods per zone: --pods {} is too few for --zones {}, give "
                    "--pods {} or more",
                    o.pods, o.zones, 2 * o.zones));
  }
}

void check(const CLI::App& app, ClusterOptions& o) {
  check_manifests(app, o);
  check_zones(app, o);
  if (o.pods < 1 || o.pods > kMaxPods) {
    throw ClusterError(fmt::format("--pods {} is out of range: 1..{} pods fit into one block of loopback addresses",
                                   o.pods, kMaxPods));
  }
  if (o.tls.cert.empty() != o.tls.key.empty()) throw ClusterError("--tls-cert and --tls-key go together: give both");
  check_pod_flags(o.pod_flags);
}

}  // namespace

const char* to_string(Balance balance) {
  switch (balance) {
    case Balance::kConnection:
      return "connection";
    case Balance::kStream:
      return "stream";
    case Balance::kZones:
      return "zones";
  }
  return "";
}

std::variant<ClusterOptions, int> parse_options(int argc, const char* const* argv) {
  ClusterOptions options;
  const char* const* end = argv + argc;
  const char* const* dashes = std::find(argv, end, std::string_view("--"));
  if (dashes != end) options.pod_flags.assign(dashes + 1, end);

  CLI::App app("A local stand-in for a Deployment behind a load balancer: lgen-server pods behind HAProxy.",
               "lgen-cluster");
  app.footer(kFooter);
  app.set_version_flag("--version", "lgen-cluster " LGEN_VERSION);
  add_options(app, options);
  if (argc > 1 && argv[1][0] != '\0' && argv[1][0] != '-') {
    server::complain(
        fmt::format("lgen-cluster: {} is not known; there are get, describe, rollout, scale and delete, which speak to "
                    "a running cluster, and flags, which start one: see lgen-cluster --help",
                    argv[1]));
    return kExitConfiguration;
  }
  try {
    app.parse(static_cast<int>(dashes - argv), argv);
    check(app, options);
  } catch (const CLI::ParseError& e) {
    return server::refuse_flags(app, e);
  } catch (const ClusterError& e) {
    server::complain(fmt::format("lgen-cluster: {}", e.what()));
    return kExitConfiguration;
  }
  return options;
}

}  // namespace lgen::cluster
