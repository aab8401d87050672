// What the command line of lgen-server says, as one value with its defaults.
//
// *Thread:* a plain value; read-only once the server runs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace lgen::server {

// How the gateway reaches the gRPC backend.
enum class Dial {
  kPerRequest,  // a new channel for each request
  kShared,      // one channel for all
};

// How the time before the server is ready looks from outside.
enum class EarlyListening {
  kNo,      // no socket listens
  kHold,    // calls are accepted and answered once the start is over
  kRefuse,  // calls are answered at once with UNAVAILABLE
};

struct Options {
  std::string bind;  // empty: every address
  std::uint16_t grpc_port = 50051;
  std::optional<std::uint16_t> hello_port;
  std::uint16_t metrics_port = 9464;
  std::uint16_t http_port = 8100;

  std::optional<std::uint16_t> gateway_port;
  std::string grpc_backend;  // a target of gRPC; empty: none
  std::string http_backend;  // a URL; empty: none
  Dial grpc_dial = Dial::kShared;

  std::string tls_cert;
  std::string tls_key;
  std::string tls_client_ca;

  std::string pod;
  std::string zone;
  std::string app_version = "v1";
  std::string service_name = "lgen-server";

  std::chrono::nanoseconds max_connection_age = std::chrono::seconds(600);
  std::chrono::nanoseconds max_connection_age_grace = std::chrono::seconds(60);

  std::chrono::nanoseconds message_delay{0};
  std::uint32_t max_handlers = 0;  // 0: no limit
  bool health_shares_handlers = false;

  std::chrono::nanoseconds startup_delay{0};
  EarlyListening listen_early = EarlyListening::kNo;
  std::chrono::nanoseconds first_request_delay{0};
  std::chrono::nanoseconds drain_delay{0};
  std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(10);
};

// The options, or the code to exit with: --help, --version or a mistake have then been printed.
std::variant<Options, int> parse_options(int argc, const char* const* argv);

// "250ms", "1.5s", "2m", "1h" or "0". Throws std::invalid_argument whose text says what is accepted.
std::chrono::nanoseconds parse_duration(const std::string& text);

}  // namespace lgen::server
