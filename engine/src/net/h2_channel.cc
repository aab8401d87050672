#include "h2_channel.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "grpc_failure.h"
#include "gzip.h"
#include "h2_stream_call.h"
#include "loop_internal.h"

namespace lgen {
namespace {

constexpr std::size_t kFreeCalls = 1024;
constexpr std::size_t kFreeBuffers = 64;
constexpr double kGrowth = 1.6;  // of the pause, and its jitter: as gRPC's connection-backoff.md has it
constexpr double kJitter = 0.2;

std::string authority_of(const ChannelOptions& options, const H2Target& where) {
  if (!options.authority.empty()) return options.authority;
  return options.tls && !options.tls->server_name.empty() ? options.tls->server_name : where.authority;
}

std::string goaway_text(const H2Goaway& goaway) {
  return fmt::format("GOAWAY ({}, last stream {}){}{}", h2_error_name(goaway.code), goaway.last_stream,
                     goaway.text.empty() ? "" : ": ", goaway.text);
}

}  // namespace

H2Channel::H2Channel(Loop& loop, std::string target, H2Target where, const ChannelOptions& options,
                     std::shared_ptr<TlsContext> tls)
    : loop_(loop),
      target_(std::move(target)),
      where_(std::move(where)),
      options_(options),
      context_(NetContext::of(loop)),
      tls_(std::move(tls)),
      request_(options_, authority_of(options_, where_)),
      pause_(options.backoff.initial),
      random_(static_cast<std::uint32_t>(loop.precise_now().time_since_epoch().count() ^
                                         static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(this)))),
      retry_(loop, [this] { dial(); }),
      idle_(loop, [this] { go_idle(); }),
      tell_(loop, [this] { tell(); }) {}

H2Channel::~H2Channel() {
  if (destroyed_ != nullptr) *destroyed_ = true;
  while (!calls_.empty()) calls_.front().orphan(loop_);
  while (H2Call* call = held_.pop_front()) call->forget_channel();
  if (link_ && link_->connection() != nullptr) link_->connection()->close();
  for (const auto& link : retired_) {
    if (link->connection() != nullptr) link->connection()->close();  // an attempt that failed has none
  }
  for (WaitReady* waiter : waiters_) waiter->orphan();
  for (H2UnaryCall* call : free_) delete call;
}

// ---- calls ----

Op H2Channel::unary(std::string_view method, std::string_view request, const CallOptions& options, UnaryDone done) {
  H2UnaryCall* call = nullptr;
  if (free_.empty()) {
    call = new H2UnaryCall(*this);
  } else {
    call = free_.back();
    free_.pop_back();
  }
  return call->start(method, request, options, std::move(done));
}

std::unique_ptr<GrpcStream> H2Channel::open(std::string_view method, MethodKind, const CallOptions& options,
                                            StreamEvents& events) {
  auto call = std::make_unique<H2StreamCall>(*this, events);
  call->start(method, options);
  return call;
}

void H2Channel::enter(H2Call& call) {
  calls_.push_back(call);
  count_open(loop_, 1);
  if (open_calls_++ == 0) idle_changed();
}

void H2Channel::leave(H2Call& call) {
  static_cast<ListHook<OpenCalls>&>(call).unlink();
  held_.push_back(call);
  count_open(loop_, -1);
  if (--open_calls_ == 0) idle_changed();
  if (!waiting_.empty() || !retired_.empty()) tell_soon();  // there is room, or nothing left to drain
}

void H2Channel::recycle(H2UnaryCall* call) {
  static_cast<ListHook<OpenCalls>&>(*call).unlink();
  if (free_.size() < kFreeCalls) {
    free_.push_back(call);
  } else {
    delete call;
  }
}

void H2Channel::submit(H2Call& call, const H2Call::Request& request) {
  if (state_ == ChannelState::shutdown) return call.end(GrpcCode::cancelled, "the channel is closed");
  if (can_send() && waiting_.empty()) return send(call, request);
  if (state_ == ChannelState::transient_failure && !request.wait_for_ready) {
    return call.end(GrpcCode::unavailable, last_error_->message);
  }
  call.keep_request(request);
  waiting_.push_back(call);
  connect();
  if (state_ == ChannelState::ready && !link_->connection()->usable()) tell_soon();  // it takes another connection
}

bool H2Channel::can_send() const { return state_ == ChannelState::ready && link_->connection()->has_room(); }

void H2Channel::send(H2Call& call, const H2Call::Request& request) {
  std::optional<Duration> timeout = request.timeout;
  const TimePoint now = call.waited() ? loop_.precise_now() : call.started();
  if (timeout) *timeout -= now - call.started();
  const auto headers = request_.headers(*request.path, timeout, request.compression, request.metadata);
  link_->connection()->open(call, headers, true);
  call.sent_on(link_->number(), peer_, now);
}

void H2Channel::send_waiting() {
  while (!waiting_.empty() && can_send()) {
    H2Call& next = *waiting_.pop_front();
    send(next, next.request());
  }
  if (waiting_.empty() || state_ != ChannelState::ready || link_->connection()->usable()) return;
  const H2Connection& left = *link_->connection();
  if (left.goaway()) return leave_ready(goaway_text(*left.goaway()), Goaway::seen);
  leave_ready(left.error() ? left.error()->message : "every stream identifier was used", Goaway::no);
}

void H2Channel::append(std::string& body, std::string_view message, std::optional<Compression> compression) {
  const Compression how = compression.value_or(options_.compression);
  if (how == Compression::none) return append_message(body, message);
  packed_ = pack(message, how == Compression::gzip ? Packing::gzip : Packing::zlib);
  append_message(body, packed_, true);
}

void H2Channel::lend(std::string& buffer) {
  if (!buffer.empty() || buffers_.empty()) return;
  buffer = std::move(buffers_.back());
  buffers_.pop_back();
}

void H2Channel::give_back(std::string buffer) {
  if (buffer.capacity() == 0 || buffers_.size() >= kFreeBuffers) return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

bool H2Channel::refused_by_goaway(std::uint64_t connection, std::int32_t stream) const {
  const auto above = [&](const std::unique_ptr<H2Link>& link) {
    if (!link || link->number() != connection || link->connection() == nullptr) return false;
    const auto& goaway = link->connection()->goaway();
    return goaway && stream > goaway->last_stream;
  };
  return above(link_) || std::any_of(retired_.begin(), retired_.end(), above);
}

std::string H2Channel::obstacle() const {
  if (state_ == ChannelState::ready && link_->connection()->usable()) {
    const std::uint32_t most = link_->connection()->max_streams();
    return most == 0 ? fmt::format("{}, which allows no calls (SETTINGS)", peer_)
                     : fmt::format("one of the {} calls that {} allows at a time (SETTINGS)", most, peer_);
  }
  return last_error_ ? fmt::format("a connection, and the last attempt has failed: {}", last_error_->message)
                     : fmt::format("a connection to {}", where_.address);
}

// ---- the connection ----

void H2Channel::connect() {
  if (state_ == ChannelState::idle) dial();
}

void H2Channel::dial() {
  move_to(ChannelState::connecting);
  dialled_at_ = loop_.now();
  link_ = std::make_unique<H2Link>(context_, options_, static_cast<H2Link::Events&>(*this));
  ConnectTo to = where_.to;
  to.tls = tls_;
  to.tls_host = to.host;
  to.deadline = dialled_at_ + std::max(options_.backoff.min, pause_);
  link_->dial(std::move(to), std::exchange(first_stream_, 1));
}

/// Subtleness ahead: whoever is told here may destroy the channel, so nothing follows.
void H2Channel::link_news(H2Link& link) {
  if (&link == link_.get()) {
    if (state_ == ChannelState::connecting) {
      if (link.error()) {
        attempt_failed();
      } else if (link.settled()) {
        accept();
      }
    } else if (link.connection()->goaway()) {  // often followed by the end at once: the GOAWAY is the reason
      leave_ready(goaway_text(*link.connection()->goaway()), Goaway::seen);
    } else if (link.error()) {
      leave_ready(link.error()->message, Goaway::no);
    }
  }
  tell();
}

void H2Channel::accept() {
  last_error_.reset();
  pause_ = options_.backoff.initial;
  connected_at_ = loop_.precise_now();
  peer_ = *peers_.insert(link_->peer()).first;
  ++connections_;
  link_->accept(connections_);
  link_->busy(open_calls_ > 0);
  move_to(ChannelState::ready);
  events_.back().timing = link_->steps();
}

void H2Channel::attempt_failed() {
  last_error_ = why_failed(*link_);
  const bool left = link_->connection() != nullptr && link_->connection()->goaway();
  retired_.push_back(std::move(link_));
  move_to(ChannelState::transient_failure, last_error_->message, left ? Goaway::seen : Goaway::no);
  HookList<H2Call, WaitingCalls> patient;
  while (H2Call* call = waiting_.pop_front()) {
    if (call->request().wait_for_ready) {
      patient.push_back(*call);
    } else {
      call->end(GrpcCode::unavailable, last_error_->message);
    }
  }
  waiting_.take(patient);
  const double factor = std::uniform_real_distribution<double>(1 - kJitter, 1 + kJitter)(random_);
  retry_.arm(std::max(loop_.now(), dialled_at_ + std::chrono::duration_cast<Duration>(pause_ * factor)));
  pause_ = std::min(options_.backoff.max, std::chrono::duration_cast<Duration>(pause_ * kGrowth));
}

/// Who says GOAWAY at once speaks HTTP/2 all the same.
Error H2Channel::why_failed(H2Link& link) const {
  const H2Connection* connection = link.connection();
  if (connection == nullptr || !connection->goaway()) return explained(*link.error());
  return make_error(ErrorCode::unavailable, fmt::format("{} takes connections and leaves them at once: {}",
                                                        where_.address, goaway_text(*connection->goaway())));
}

/// In the words gRPC core's failures are told with, followed by what the system said.
Error H2Channel::explained(const Error& error) const {
  if (error.code == ErrorCode::tls) return error;
  if (const auto cause = find_connect_cause(error.message, where_.address)) {
    return make_error(cause->code, fmt::format("{} ({})", cause->message, error.message));
  }
  if (error.code == ErrorCode::not_found) {
    return make_error(error.code, fmt::format("{} does not resolve: {}", where_.address, error.message));
  }
  if (error.code == ErrorCode::timeout) {
    return make_error(error.code, fmt::format("{} does not answer: the connection attempt timed out ({})",
                                              where_.address, error.message));
  }
  if (error.code == ErrorCode::closed || error.code == ErrorCode::protocol) {
    return make_error(ErrorCode::protocol,
                      fmt::format("{} does not speak HTTP/2 there (a TLS port dialled without --tls, or no gRPC "
                                  "server?) ({})",
                                  where_.address, error.message));
  }
  return error;
}

/// New calls go elsewhere; the streams of the old connection go on, if it lives.
void H2Channel::leave_ready(std::string reason, Goaway goaway) {
  retire(std::move(link_));
  move_to(ChannelState::idle, std::move(reason), goaway);
  if (!waiting_.empty() || !waiters_.empty()) dial();
}

void H2Channel::retire(std::unique_ptr<H2Link> link) {
  retired_.push_back(std::move(link));
  tell_soon();
}

void H2Channel::drop_retired() {
  std::erase_if(retired_, [](const std::unique_ptr<H2Link>& link) {
    H2Connection* connection = link->connection();
    if (connection != nullptr && !link->error() && connection->open_streams() > 0) return false;
    if (connection != nullptr) connection->close();
    return true;
  });
}

void H2Channel::reconnect() {
  if (state_ == ChannelState::shutdown) return;
  if (state_ == ChannelState::ready) {
    retire(std::move(link_));
    move_to(ChannelState::idle, std::string(kLeftByUs));
  } else if (link_) {
    retired_.push_back(std::move(link_));
    state_ = ChannelState::idle;
  }
  retry_.disarm();
  dial();
}

void H2Channel::close() {
  if (state_ == ChannelState::shutdown) return;
  retry_.disarm();
  idle_.disarm();
  end_all("the channel was closed");
  if (link_) retire(std::move(link_));
  move_to(ChannelState::shutdown, std::string(kLeftByUs));
}

void H2Channel::end_all(const char* why) {
  HookList<H2Call, OpenCalls> ended;
  while (H2Call* call = calls_.pop_front()) {
    ended.push_back(*call);
    call->end(GrpcCode::cancelled, why);
  }
  calls_.take(ended);
}

void H2Channel::idle_changed() {
  const bool busy = open_calls_ > 0;
  if (state_ == ChannelState::ready) link_->busy(busy);
  if (!options_.idle_timeout || state_ == ChannelState::shutdown) return;
  busy ? idle_.disarm() : idle_.arm(loop_.now() + *options_.idle_timeout);
}

void H2Channel::go_idle() {
  if (state_ == ChannelState::ready && open_calls_ == 0)
    leave_ready("idle for as long as idle_timeout allows", Goaway::no);
}

// ---- telling ----

void H2Channel::move_to(ChannelState next, std::string reason, Goaway goaway) {
  ChannelEvent event;
  event.prev = std::exchange(state_, next);
  event.state = next;
  event.at = loop_.precise_now();
  event.connection = connections_;
  event.reason = std::move(reason);
  event.goaway = goaway;
  events_.push_back(std::move(event));
  wake_waiters();
  tell_soon();
}

void H2Channel::wake_waiters() {
  const bool hopeless = state_ == ChannelState::shutdown ||
                        (state_ == ChannelState::transient_failure && last_error_->code == ErrorCode::tls);
  for (WaitReady* waiter : waiters_) {
    if (state_ == ChannelState::ready) waiter->finish_later(Done{});
    if (hopeless) waiter->finish_later(not_ready());
  }
}

Op H2Channel::wait_ready(Deadline deadline, std::function<void(Outcome)> done) {
  auto* waiter = new WaitReady(loop_, *this, deadline, std::move(done));
  waiters_.insert(waiter);
  connect();
  wake_waiters();
  return Op(waiter);
}

Error H2Channel::not_ready() const {
  if (state_ == ChannelState::shutdown) return make_error(ErrorCode::closed, target_ + ": the channel is closed");
  if (last_error_) return *last_error_;
  return make_error(ErrorCode::timeout,
                    fmt::format("{} is not ready in time; its channel is {}", target_, to_string(state_)));
}

void H2Channel::note(H2Call& call) {
  noted_.push_back(call);
  if (call.h2() == nullptr || !call.h2()->receiving()) tell_soon();  // else link_news() follows
}

void H2Channel::tell_soon() {
  if (!tell_.armed()) tell_.arm(loop_.now());
}

/// What is noted meanwhile is for the next turn: a plan that answers every failure with another call must not keep the
/// loop here.
void H2Channel::tell() {
  bool gone = false;
  destroyed_ = &gone;
  drop_retired();
  if (!waiting_.empty()) send_waiting();
  HookList<H2Call, NotedCalls> now;
  now.take(noted_);
  if (!events_.empty()) tell_events();
  while (!gone) {
    H2Call* call = now.pop_front();
    if (call == nullptr) break;
    call->tell();
  }
  if (gone) return;
  destroyed_ = nullptr;
  if (!waiting_.empty() && can_send()) send_waiting();
}

void H2Channel::tell_events() {
  bool& gone = *destroyed_;
  while (!gone && !events_.empty()) {
    const ChannelEvent event = std::move(events_.front());
    events_.pop_front();
    if (!listener_) continue;
    const auto listener = listener_;  // it may set another
    listener(event);
  }
}

Result<std::unique_ptr<GrpcChannel>> make_h2_channel(Loop& loop, const std::string& target,
                                                     const ChannelOptions& options) {
  if (const Outcome checked = check_h2_options(options); !checked) {
    return Error{checked.error().code, target + ": " + checked.error().message};
  }
  auto where = parse_h2_target(target);
  if (!where) return where.error();
  std::shared_ptr<TlsContext> tls;
  if (options.tls) {
    auto made = TlsContext::make(*options.tls, {"h2"}, kGrpcTlsWords);
    if (!made) return Error{made.error().code, target + ": " + made.error().message};
    tls = std::move(*made);
  }
  return std::unique_ptr<GrpcChannel>(
      std::make_unique<H2Channel>(loop, target, std::move(*where), options, std::move(tls)));
}

}  // namespace lgen
