#include "echo_rules.h"

#include <fmt/format.h>

namespace lgen::server {

using echo::EchoRequest;

namespace {

constexpr double kLongestWaitSeconds = 86400;
constexpr std::uint32_t kLargestReply = 64u << 20;

bool is_wait(double seconds) { return seconds >= 0 && seconds <= kLongestWaitSeconds; }

grpc::Status invalid(const std::string& field, const std::string& range) {
  return {grpc::StatusCode::INVALID_ARGUMENT, fmt::format("{} must be {}", field, range)};
}

}  // namespace

grpc::Status check_echo(const EchoRequest& request) {
  if (!is_wait(request.delay_seconds())) return invalid("delay_seconds", "0..86400");
  if (!is_wait(request.delay_jitter_seconds())) return invalid("delay_jitter_seconds", "0..86400");
  if (request.reply_size() > kLargestReply) return invalid("reply_size", "at most 67108864");
  if (request.status_code() < 0 || request.status_code() > 16) return invalid("status_code", "0..16");
  const double probability = request.error_probability();
  if (!(probability >= 0 && probability <= 1)) return invalid("error_probability", "0..1");
  return grpc::Status::OK;
}

std::chrono::nanoseconds echo_wait(const EchoRequest& request, double chance) {
  const std::chrono::duration<double> wait(request.delay_seconds() + request.delay_jitter_seconds() * chance);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(wait);
}

grpc::Status echo_outcome(const EchoRequest& request, double chance) {
  const bool fails =
      request.error_probability() > 0 ? chance < request.error_probability() : request.status_code() != 0;
  if (!fails) return grpc::Status::OK;
  const bool has_code = request.status_code() != 0;
  const auto code = has_code ? static_cast<grpc::StatusCode>(request.status_code()) : grpc::StatusCode::UNAVAILABLE;
  return {code, request.status_message()};
}

std::string echo_payload(const EchoRequest& request) {
  return request.reply_size() == 0 ? request.payload() : std::string(request.reply_size(), 'x');
}

}  // namespace lgen::server
