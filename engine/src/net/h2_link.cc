#include "h2_link.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace lgen {
namespace {

/// gRPC servers take more frequent pings on a connection without calls as an attack (too_many_pings).
constexpr Duration kIdlePings = std::chrono::minutes(5);

/// Stamps are zero where there was no such step.
Duration between(TimePoint from, TimePoint to) { return to > from ? to - from : Duration{0}; }

}  // namespace

H2Link::H2Link(std::shared_ptr<NetContext> context, const ChannelOptions& options, Events& events)
    : context_(std::move(context)),
      options_(options),
      events_(events),
      timer_(context_->loop(), [this] { on_timer(); }) {}

void H2Link::dial(ConnectTo to, std::int32_t first_stream) {
  to_ = std::move(to);
  first_stream_ = first_stream;
  to_.net = options_.net;
  dialling_ = tcp_connect(context_, to_, [this](Result<Connected> made) { connected(std::move(made)); });
}

void H2Link::connected(Result<Connected> made) {
  if (!made) return fail(made.error().code, made.error().message);
  timing_ = made->timing;
  peer_ = made->stream->peer();
  if (to_.tls && made->stream->protocol() != "h2") {
    return fail(ErrorCode::tls, fmt::format("TLS with {} failed: {}", peer_, kGrpcTlsWords.no_protocol));
  }
  H2Options options;
  options.first_stream = first_stream_;
  connection_ = std::make_unique<H2Connection>(context_, std::move(made->stream), options,
                                               static_cast<H2Connection::Events&>(*this));
  if (to_.deadline != kNever) timer_.arm(to_.deadline);
}

void H2Link::fail(ErrorCode code, std::string message) {
  error_ = make_error(code, std::move(message));
  events_.link_news(*this);
}

/// Servers that want a client certificate may refuse by closing the connection, without a word of TLS.
Error H2Link::early_end(const Error& error) const {
  if (!to_.tls || error.code != ErrorCode::closed) return error;
  return make_error(ErrorCode::tls, fmt::format("TLS with {} failed: it closed the connection before HTTP/2 began; {}",
                                                peer_, certificate_hint(to_.tls->options())));
}

void H2Link::accept(std::uint64_t number) {
  number_ = number;
  timer_.disarm();
  plan_ping();
}

ConnectSteps H2Link::steps() const {
  const ConnectTiming& at = timing_;
  return {.dns = between(at.started, at.resolved),
          .connect = between(std::max(at.started, at.resolved), at.connected),
          .tls = between(at.connected, at.secured),
          .settings = between(std::max(at.connected, at.secured), connection_->settings_at())};
}

void H2Link::on_news() {
  if (!error_ && connection_->error()) error_ = number_ == 0 ? early_end(*connection_->error()) : connection_->error();
  if (pinging_ && connection_->pong_at() >= pinged_at_) {
    pinging_ = false;
    plan_ping();
  }
  events_.link_news(*this);
}

void H2Link::busy(bool calls_open) {
  if (std::exchange(calls_open_, calls_open) != calls_open && number_ != 0) plan_ping();
}

Duration H2Link::ping_pause() const {
  const Keepalive& keepalive = options_.keepalive;
  if (calls_open_) return keepalive.time;
  return keepalive.without_calls ? std::max(keepalive.time, kIdlePings) : Duration{0};
}

void H2Link::plan_ping() {
  if (pinging_ || options_.keepalive.time == Duration{0}) return;
  const Duration pause = ping_pause();
  if (pause == Duration{0}) return timer_.disarm();
  timer_.arm(context_->loop().now() + pause);
}

void H2Link::on_timer() {
  if (number_ == 0) return fail(ErrorCode::protocol, peer_ + " takes connections but says nothing");
  if (pinging_) {
    connection_->give_up(make_error(ErrorCode::timeout, peer_ + " does not answer keepalive pings"));
    return fail(connection_->error()->code, connection_->error()->message);
  }
  pinging_ = true;
  pinged_at_ = context_->loop().precise_now();
  connection_->ping();
  timer_.arm(pinged_at_ + options_.keepalive.timeout);
}

}  // namespace lgen
