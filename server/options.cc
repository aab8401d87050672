#include "options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <utility>

#include "flag_errors.h"
#include "gateway_backends.h"

namespace lgen::server {
namespace {

using std::chrono::nanoseconds;

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string("unknown");
}

void add_duration(CLI::App& app, const std::string& flag, nanoseconds* target, const std::string& help,
                  const std::string& shown_default) {
  auto set = [target, flag](const std::string& text) {
    try {
      *target = parse_duration(text);
    } catch (const std::invalid_argument& error) {
      throw CLI::ValidationError(flag, error.what());
    }
  };
  app.add_option_function<std::string>(flag, set, help)->type_name("DURATION")->default_str(shown_default);
}

void add_addresses(CLI::App& app, Options& options) {
  app.add_option("--bind", options.bind,
                 "Address to listen on. Without it gRPC listens on [::]; HTTP and metrics on 0.0.0.0. These have no "
                 "IPv6: with ::1 they listen on 127.0.0.1, with another IPv6 address on 0.0.0.0")
      ->type_name("ADDR");
  app.add_option("--grpc-port", options.grpc_port, "Port of gRPC; 0: a free one, printed at the start")
      ->capture_default_str();
  app.add_option("--hello-port", options.hello_port, "A second port of gRPC, e.g. 8000");
  app.add_option("--metrics-port", options.metrics_port,
                 "Port of /metrics, /healthz and /readyz; 0: a free one, printed at the start")
      ->capture_default_str();
  app.add_option("--http-port", options.http_port,
                 "Port of GET /hellohttp, without TLS; 0: a free one, printed at the start")
      ->capture_default_str();
}

void add_gateway(CLI::App& app, Options& options) {
  app.add_option("--gateway-port", options.gateway_port,
                 "Port of GET /hellogrpc and /hellohttp, which ask the backends below, e.g. 8200; 0: a free one");
  app.add_option("--grpc-backend", options.grpc_backend,
                 "Whom /hellogrpc asks, by turns when the name has several addresses, e.g. dns:///grpc-svc:8000")
      ->type_name("TARGET");
  auto check_url = [](const std::string& text) {
    try {
      parse_http_url(text);
      return std::string();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
  };
  app.add_option("--http-backend", options.http_backend, "Whom /hellohttp asks, e.g. http://http-svc/hellohttp")
      ->type_name("URL")
      ->check(CLI::Validator(check_url, ""));
  auto set_dial = [&options](const std::string& how) {
    options.grpc_dial = how == "shared" ? Dial::kShared : Dial::kPerRequest;
  };
  app.add_option_function<std::string>("--grpc-dial", set_dial,
                                       "One gRPC channel for all requests, or a new one for each")
      ->type_name("shared|per-request")
      ->default_str("shared")
      ->check(CLI::IsMember({"shared", "per-request"}).description(""));
}

void add_tls(CLI::App& app, Options& options) {
  auto* cert = app.add_option("--tls-cert", options.tls_cert, "Certificate chain (PEM); turns TLS on");
  auto* key = app.add_option("--tls-key", options.tls_key, "Private key of --tls-cert (PEM)");
  cert->type_name("FILE")->needs(key);
  key->type_name("FILE")->needs(cert);
  app.add_option("--tls-client-ca", options.tls_client_ca, "Require client certificates signed by this CA (PEM)")
      ->type_name("FILE")
      ->needs(cert);
}

void add_identity(CLI::App& app, Options& options) {
  app.add_option("--pod", options.pod, "Name in the header x-backend; default: the host's name")->envname("POD_NAME");
  app.add_option("--zone", options.zone, "Name in the header x-zone; no header without it")->envname("ZONE");
  app.add_option("--app-version", options.app_version, "Version in the header x-version and in hello's answers")
      ->envname("APP_VERSION")
      ->capture_default_str();
  app.add_option("--service-name", options.service_name, "service_name of the metric target_info")
      ->envname("OTEL_SERVICE_NAME")
      ->capture_default_str();
}

void add_connection_age(CLI::App& app, Options& options) {
  add_duration(app, "--max-connection-age", &options.max_connection_age,
               "GOAWAY after this long (gRPC varies it by 10 %)", "600s");
  add_duration(app, "--max-connection-age-grace", &options.max_connection_age_grace,
               "Streams may go on this long after that GOAWAY", "60s");
}

void add_pace(CLI::App& app, Options& options) {
  add_duration(app, "--message-delay", &options.message_delay, "Pause after every message of a stream but the first",
               "0ms");
  app.add_option("--max-handlers", options.max_handlers,
                 "Streams handled at a time; further ones wait, unseen by the gauge; 0: no limit")
      ->capture_default_str();
  app.add_flag("--health-shares-handlers", options.health_shares_handlers,
               "Health calls need a place among --max-handlers too");
}

void add_start_and_stop(CLI::App& app, Options& options) {
  add_duration(app, "--startup-delay", &options.startup_delay, "Time before the server is ready", "0s");
  auto set_early = [&options](const std::string& how) {
    options.listen_early = how == "hold" ? EarlyListening::kHold : EarlyListening::kRefuse;
  };
  app.add_option_function<std::string>("--listen-early", set_early,
                                       "Listen during --startup-delay: hold answers calls once the start is over, "
                                       "refuse answers UNAVAILABLE")
      ->type_name("hold|refuse")
      ->check(CLI::IsMember({"hold", "refuse"}).description(""));
  add_duration(app, "--first-request-delay", &options.first_request_delay, "The first call of the process takes longer",
               "0s");
  add_duration(app, "--drain-delay", &options.drain_delay, "Time between SIGTERM (not ready any more) and GOAWAY",
               "0s");
  add_duration(app, "--shutdown-grace", &options.shutdown_grace, "Streams may go on this long after that GOAWAY",
               "10s");
}

}  // namespace

nanoseconds parse_duration(const std::string& text) {
  static const std::map<std::string, double> kUnits = {{"ns", 1},  {"us", 1e3}, {"ms", 1e6},
                                                       {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
  char* end = nullptr;
  const double value = text.empty() ? -1 : std::strtod(text.c_str(), &end);
  const auto unit = text.empty() ? kUnits.end() : kUnits.find(end);
  const bool bare_zero = !text.empty() && value == 0 && end != text.c_str() && *end == '\0';
  if (bare_zero) return nanoseconds(0);
  const bool fits = unit != kUnits.end() && end != text.c_str() && value >= 0 && value * unit->second < 9e18;
  if (!fits) {
    throw std::invalid_argument(
        fmt::format("\"{}\" is not a duration; write a number and a unit, such as 250ms, 1.5s, 2m or 1h", text));
  }
  return nanoseconds(std::llround(value * unit->second));
}

std::variant<Options, int> parse_options(int argc, const char* const* argv) {
  Options options;
  CLI::App app("lgen-server: a gRPC server to aim load at. It counts its streams and messages and says who it is.",
               "lgen-server");
  // The last one counts, so that a script's flags can be overruled by adding to them.
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_addresses(app, options);
  add_gateway(app, options);
  add_tls(app, options);
  add_identity(app, options);
  add_connection_age(app, options);
  add_pace(app, options);
  add_start_and_stop(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return refuse_flags(app, error);
  }
  if (options.pod.empty()) options.pod = host_name();
  return options;
}

}  // namespace lgen::server
