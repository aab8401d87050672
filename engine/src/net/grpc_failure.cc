#include "grpc_failure.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>

#include "background.h"
#include "grpc_channel_args.h"
#include "h2_connection.h"

namespace lgen {
namespace {

struct Cause {
  std::string_view sign;  // what gRPC's text contains
  ErrorCode code;
  std::string_view text;  // after "ADDRESS "
};

/// The first sign found wins: the more telling ones come first.
constexpr std::array kCauses = {
    Cause{"Connection refused", ErrorCode::refused, "refuses connections: nothing listens there"},
    Cause{"DNS resolution failed", ErrorCode::not_found, "does not resolve: check the name (and the name server)"},
    Cause{"Domain name not found", ErrorCode::not_found, "does not resolve: check the name (and the name server)"},
    Cause{"No route to host", ErrorCode::unavailable, "cannot be reached: no route to that host"},
    Cause{"Network is unreachable", ErrorCode::unavailable, "cannot be reached: the network is unreachable"},
    Cause{"Too many open files", ErrorCode::exhausted, "was not dialled: this process is out of file descriptors"},
    Cause{"Cannot assign requested address", ErrorCode::exhausted,
          "was not dialled: this machine is out of local ports for it"},
    Cause{"CERTIFICATE_VERIFY_FAILED", ErrorCode::tls, "has a certificate that does not verify"},
    Cause{"certificate verify failed", ErrorCode::tls, "has a certificate that does not verify"},
    Cause{"is not in peer certificate", ErrorCode::tls, "has a certificate for another name"},
    Cause{"WRONG_VERSION_NUMBER", ErrorCode::tls, "does not speak TLS (try --plaintext)"},
    Cause{"Cannot check peer", ErrorCode::tls, "speaks TLS but not HTTP/2 (no ALPN 'h2')"},
    Cause{"tcp handshaker shutdown", ErrorCode::timeout, "does not answer: the connection attempt timed out"},
    Cause{"andshake", ErrorCode::tls, "did not complete the TLS handshake"},
    Cause{"SSL_ERROR", ErrorCode::tls, "did not complete the TLS handshake"},
    Cause{"Failed parsing HTTP/2", ErrorCode::protocol, "speaks something else than HTTP/2: is this the gRPC port?"},
    Cause{"http1.x server", ErrorCode::protocol, "speaks HTTP/1, not HTTP/2: is this the gRPC port?"},
    // An answer of "200 OK" in HTTP/1 becomes a status that is OK and loses its words.
    Cause{"last error: OK", ErrorCode::protocol, "speaks HTTP/1, not HTTP/2: is this the gRPC port?"},
    Cause{"before receiving SETTINGS", ErrorCode::protocol,
          "accepts connections but does not speak HTTP/2 there (a TLS port dialled without --tls, or no gRPC server?)"},
    Cause{"connect timeout", ErrorCode::timeout, "does not answer: the connection attempt timed out"},
    Cause{"FD Shutdown", ErrorCode::timeout, "does not answer: the connection attempt timed out"},
    Cause{"onnection timed out", ErrorCode::timeout, "does not answer: the connection attempt timed out"},
    Cause{"Socket closed", ErrorCode::protocol,
          "closes the connection before HTTP/2 begins (a TLS port dialled without --tls, or no gRPC server?)"},
    Cause{"Endpoint read failed", ErrorCode::protocol,
          "closes the connection before HTTP/2 begins (a TLS port dialled without --tls, or no gRPC server?)"},
};

}  // namespace

std::optional<Error> find_connect_cause(std::string_view text, std::string_view address) {
  for (const Cause& cause : kCauses) {
    if (text.find(cause.sign) == std::string_view::npos) continue;
    return make_error(cause.code, std::string(address) + " " + std::string(cause.text));
  }
  return std::nullopt;
}

std::optional<Error> classify_connect_failure(std::string_view grpc_text, std::string_view address) {
  const auto says = [&](std::string_view sign) { return grpc_text.find(sign) != std::string_view::npos; };
  if (!says("failed to connect to all addresses") && !says("DNS resolution failed")) return std::nullopt;
  if (auto cause = find_connect_cause(grpc_text, address)) return cause;
  return make_error(ErrorCode::unavailable, std::string(address) + " cannot be reached");
}

GrpcFailures::GrpcFailures(Loop& loop, const std::string& target, const ChannelOptions& options,
                           std::function<void()> explained)
    : loop_(loop),
      address_(grpc_target_address(target)),
      tls_(options.tls),
      max_recv_(options.max_recv),
      max_send_(options.max_send),
      explained_(std::move(explained)) {}

void GrpcFailures::inquire() {
  if (inquired_ || address_.starts_with("unix")) return;
  inquired_ = true;
  const auto reason = std::make_shared<std::string>();
  inquiry_ = in_background(
      loop_, [reason, address = address_, tls = *tls_] { *reason = explain_tls_failure(address, tls); },
      [this, reason] {
        tls_reason_ = std::move(*reason);
        if (!hopeless()) return;
        last_ = make_error(ErrorCode::tls, tls_reason_);
        explained_();
      });
}

/// gRPC words both ends' limits alike, "Received message larger than max (2016 vs. 1000)": the number tells whose it
/// is.
std::string GrpcFailures::limit_advice(std::string_view grpc_text) const {
  const bool sent = grpc_text.starts_with("Sent message larger than max");
  if (!sent && !grpc_text.starts_with("Received message larger than max")) return "";
  const auto& ours = sent ? max_send_ : max_recv_;
  if (!ours || grpc_text.find(" vs. " + std::to_string(*ours) + ")") == std::string_view::npos) {
    return "; that limit is the server's own";
  }
  return limit_text(sent ? "max_send" : "max_recv");
}

constexpr std::string_view kHttpStatus = "Received http2 header with status: ";

/// gRPC core's words for a reply that ends without grpc-status: after our side was closed, or before.
static bool ends_without_status(const GrpcStatus& status) {
  return (status.code == GrpcCode::unknown &&
          (status.message == "Stream removed" || status.message == "No status received")) ||
         (status.code == GrpcCode::internal && status.message == "Received RST_STREAM with error code 0");
}

/// Proxies that ask for certificates may let everybody connect and refuse by HTTP.
static std::string certificate_advice(int http_status, const std::optional<TlsOptions>& tls) {
  if (!tls || http_status != 400) return "";
  if (tls->cert.empty()) return " Does it want a client certificate (--cert and --key)?";
  return " Does it accept the client certificate " + tls->cert + "?";
}

std::string web_server_text(std::string_view address, std::string_view how, int http_status,
                            const std::optional<TlsOptions>& tls) {
  return std::string(address) + " answered " + std::string(how) +
         ", like a web server: is this the gRPC port, and do proxies in between pass gRPC on?" +
         certificate_advice(http_status, tls);
}

std::string limit_text(const char* option) {
  const bool sent = std::string_view(option) == "max_send";
  return fmt::format("; to allow it, raise the channel's {} (lgen bench: --max-{}-message-size)", option,
                     sent ? "send" : "recv");
}

constexpr std::string_view kReset = "Received RST_STREAM with error code ";

std::optional<std::string> locate_early_end(std::string_view grpc_text, std::string_view address) {
  const std::string text{grpc_text}, place{address};
  if (text.starts_with(kReset)) {
    std::uint32_t code = 0;
    std::from_chars(text.data() + kReset.size(), text.data() + text.size(), code);
    return text + " (" + std::string(h2_error_name(code)) + ", from " + place + ")";
  }
  for (const std::string_view sign : {"Socket closed", "recvmsg:", "sendmsg:", "GOAWAY received", "keepalive watchdog",
                                      "Connection reset", "Broken pipe"}) {
    if (text.starts_with(sign)) return text + " (" + place + ")";
  }
  return std::nullopt;
}

bool is_foreign_answer(const GrpcStatus& status) {
  return status.message.starts_with(kHttpStatus) || status.message.starts_with(kReset) || ends_without_status(status);
}

bool GrpcFailures::explain_answer(GrpcStatus& status) const {
  if (status.code == GrpcCode::resource_exhausted) status.message += limit_advice(status.message);
  std::string how;
  int http_status = 0;
  if (status.message.starts_with(kHttpStatus)) {
    const std::string number = status.message.substr(kHttpStatus.size());
    how = "with HTTP status " + number;
    std::from_chars(number.data(), number.data() + number.size(), http_status);
  } else if (ends_without_status(status)) {
    how = "without a gRPC status";
  } else {
    if (auto located = locate_early_end(status.message, address_)) status.message = std::move(*located);
    return false;
  }
  status.message = web_server_text(address_, how, http_status, tls_) + " (gRPC: " + status.message + ")";
  return true;
}

void GrpcFailures::explain_connection(GrpcStatus& status) {
  if (status.code != GrpcCode::unavailable) return;
  auto cause = classify_connect_failure(status.message, address_);
  if (!cause) return;
  if (tls_ && (cause->code == ErrorCode::tls || cause->code == ErrorCode::protocol)) {
    inquire();
    if (hopeless()) cause = make_error(ErrorCode::tls, tls_reason_);
  }
  cause->message += " (gRPC: " + status.message + ")";
  status.message = cause->message;
  last_ = std::move(cause);
}

}  // namespace lgen
