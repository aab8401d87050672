// Why a gRPC connection could not be made, in words a plan's author can act on.
// gRPC wraps the cause in layers of its own text; the original stays in parentheses.
// Thread: the loop's; the TLS explanation is made in the background, for it blocks.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "lgen/error.h"
#include "lgen/grpc.h"
#include "lgen/loop.h"
#include "lgen/op.h"

namespace lgen {

/// The cause behind gRPC's text of a failed connection, or nothing when the text is about something else.
std::optional<Error> classify_connect_failure(std::string_view grpc_text, std::string_view address);

/// The same from the text of a failed connection, whoever wrote it; nothing when no known sign is in it.
std::optional<Error> find_connect_cause(std::string_view text, std::string_view address);

/// For an answer that is not gRPC's, `how`: "with HTTP status 404".
std::string web_server_text(std::string_view address, std::string_view how, int http_status,
                            const std::optional<TlsOptions>& tls);

/// What to do about a message over a limit of ours, ChannelOptions' `option`.
std::string limit_text(const char* option);

/// Told by gRPC's text: what came was a web server's page, or a reset by whoever is in between, but no gRPC status.
bool is_foreign_answer(const GrpcStatus& status);

/// gRPC's text of a stream or connection that ends early, with what it lacks: what an HTTP/2 error's number means, and
/// where that was. Nothing when the text is about something else.
std::optional<std::string> locate_early_end(std::string_view grpc_text, std::string_view address);

/// The failures of one channel: the last one, and what plain OpenSSL says about a handshake that fails.
class GrpcFailures {
 public:
  /// `explained` is called on the loop when the reason of a failing handshake is known.
  GrpcFailures(Loop& loop, const std::string& target, const ChannelOptions& options, std::function<void()> explained);
  GrpcFailures(const GrpcFailures&) = delete;
  GrpcFailures& operator=(const GrpcFailures&) = delete;

  /// Rewrites the message of a call that reached nobody when it tells of a failed connection.
  void explain_connection(GrpcStatus& status);
  /// Rewrites what gRPC says of messages over a limit, of servers that do not speak gRPC and of early ends. True:
  /// somebody answered, though gRPC names no peer.
  bool explain_answer(GrpcStatus& status) const;
  /// The last failed connection; nothing before the first.
  const std::optional<Error>& last() const { return last_; }
  /// A handshake that was looked into: waiting will not cure it.
  bool hopeless() const { return !tls_reason_.empty(); }

 private:
  void inquire();
  std::string limit_advice(std::string_view grpc_text) const;

  Loop& loop_;
  const std::string address_;
  const std::optional<TlsOptions> tls_;
  const std::optional<std::uint64_t> max_recv_, max_send_;
  std::function<void()> explained_;
  std::optional<Error> last_;
  std::string tls_reason_;
  Op inquiry_;
  bool inquired_ = false;
};

}  // namespace lgen
