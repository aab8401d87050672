// A server and the types it speaks, as `lgen list`, `describe` and `call` need them: connects, gets the schema from
// files or from the server, and turns what goes wrong into an exit code.
// Thread: the main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grpcurl_options.h"
#include "lgen/grpc.h"
#include "lgen/loop.h"
#include "lgen/schema.h"

namespace lgen::cli {

/// Why there is nothing to go on with: an exit code, once the reason has been printed.
struct Ended {
  int exit_code;
};

/// 64 + the code.
int exit_code_of(GrpcCode code);

/// Prints a failed call as grpcurl does and returns its exit code. `details`: see MessageText::status_details.
int report_status(const GrpcStatus& status, const std::vector<std::string>& details = {});

/// "pkg.Svc/Method" and "/pkg.Svc/Method" -> "pkg.Svc.Method".
std::string symbol_name(std::string_view said);

class ServiceLink {
 public:
  explicit ServiceLink(const ServiceFlags& flags);
  ~ServiceLink();
  ServiceLink(const ServiceLink&) = delete;
  ServiceLink& operator=(const ServiceLink&) = delete;

  /// Everything up to a schema in which `symbol` is found (empty: any). Nothing: `schema()` may be used.
  std::optional<Ended> open();

  Loop& loop() { return loop_; }
  GrpcChannel& channel() { return *channel_; }
  Schema& schema() { return *schema_; }

  /// Turns until `done` says so; false: SIGINT or SIGTERM came first, which has been said.
  bool run_until(const std::function<bool()>& done);

  /// What -max-time has left, never less than a nanosecond; nothing: no limit.
  std::optional<Duration> time_left() const;

  Duration connect_took{0};
  Duration schema_took{0};  // asking the server for it

 private:
  std::optional<Ended> connect();
  Error connect_failure();
  GrpcStatus connect_status(const Error& error) const;
  Error wait_ready_error(Duration patience);
  std::optional<Ended> ask_server();
  Outcome load_files();
  bool knows(const Schema& schema) const;
  Outcome write_protoset() const;

  const ServiceFlags& flags_;
  RealClock clock_;
  Loop loop_;
  const TimePoint started_;
  std::unique_ptr<GrpcChannel> channel_;
  std::unique_ptr<Schema> schema_;
  int signal_ = 0;
};

}  // namespace lgen::cli
