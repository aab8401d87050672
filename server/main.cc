// lgen-server: the system under test that ships with lgen.
#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "echo_service.h"
#include "fallback_service.h"
#include "gateway.h"
#include "grpc_endpoint.h"
#include "health_service.h"
#include "hello_service.h"
#include "http_endpoint.h"
#include "http_hello.h"
#include "options.h"
#include "reflection_service.h"
#include "services.h"
#include "standard_streams.h"
#include "stop_signals.h"
#include "streaming_service.h"

namespace lgen::server {
namespace {

std::string started_line(const Options& options, std::uint16_t port) {
  using std::chrono::milliseconds;
  return fmt::format("gRPC server started on port {} with max_connection_age={}ms, grace={}ms.", port,
                     options.max_connection_age / milliseconds(1), options.max_connection_age_grace / milliseconds(1));
}

// What reflection lists: the services one aims load at, and those that describe them.
std::vector<std::string> with_infrastructure(std::vector<std::string> names) {
  names.emplace_back(grpc::health::v1::Health::service_full_name());
  names.emplace_back(grpc::reflection::v1::ServerReflection::service_full_name());
  names.emplace_back(grpc::reflection::v1alpha::ServerReflection::service_full_name());
  return names;
}

void run(const Options& options) {
  StopSignals signals;

  // A start that no socket shows.
  const bool listens_early = options.listen_early != EarlyListening::kNo;
  if (!listens_early && signals.wait_for(options.startup_delay)) return;

  // What the services share.
  Log log(STDOUT_FILENO);
  const Identity identity(options);
  Metrics metrics(options.service_name);
  Admission admission(options);
  const Shared shared{options, identity, log, metrics, admission};

  // The services.
  const std::vector<std::string> names = {echo::Echo::service_full_name(), hello::Hello::service_full_name(),
                                          streaming::Streamer::service_full_name()};
  StreamingService streaming(shared);
  HelloService hello(shared);
  EchoService echo(shared);
  HealthService health(shared, {names.begin(), names.end()});
  ReflectionV1 reflection(shared, with_infrastructure(names));
  ReflectionV1Alpha reflection_alpha(shared, with_infrastructure(names));
  FallbackService fallback(shared);

  // Listen.
  HttpEndpoint http(options, [&metrics] { return metrics.text(); });
  log.info(fmt::format("Prometheus metrics server started on port {}.", http.port()));
  const HttpHello hello_http(options, identity, admission);
  log.info(fmt::format("HTTP server started on port {}.", hello_http.port()));
  std::optional<Gateway> gateway;
  if (options.gateway_port) {
    gateway.emplace(options, identity, admission);
    log.info(fmt::format("Gateway started on port {}.", gateway->port()));
  }
  GrpcEndpoint grpc(options, {&streaming, &hello, &echo, &health, &reflection, &reflection_alpha}, fallback);
  log.info(started_line(options, grpc.port()));

  // Serve, from the end of the start to the first signal.
  const bool stopped_early = listens_early && signals.wait_for(options.startup_delay);
  admission.open();
  health.set_serving(!stopped_early);
  http.set_ready(!stopped_early);
  if (!stopped_early) signals.wait();

  // Go down: not ready first, so that balancers look elsewhere, then GOAWAY.
  http.set_ready(false);
  health.set_serving(false);
  signals.wait_for(options.drain_delay);
  signals.stop_catching();
  health.end_watches();
  grpc.shut_down(options.shutdown_grace);
}

}  // namespace
}  // namespace lgen::server

int main(int argc, char** argv) {
  lgen::server::keep_standard_descriptors();
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // gRPC's own lines only on request: what goes wrong at the start is reported below, in our words.
  setenv("GRPC_VERBOSITY", "NONE", 0);
  const auto parsed = lgen::server::parse_options(argc, argv);
  if (const int* code = std::get_if<int>(&parsed)) return *code;
  try {
    lgen::server::run(std::get<lgen::server::Options>(parsed));
    return 0;
  } catch (const std::exception& error) {
    lgen::server::complain(fmt::format("lgen-server: {}", error.what()));
    return 1;
  }
}
