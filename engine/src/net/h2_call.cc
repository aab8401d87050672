#include "h2_call.h"

#include <fmt/format.h>

#include <utility>

#include "grpc_failure.h"
#include "grpc_request.h"
#include "gzip.h"
#include "h2_channel.h"
#include "peer_text.h"

namespace lgen {
namespace {

constexpr std::uint64_t kMostUnpacked = 256 << 20;  // where the plan sets no limit: a small message can be a large bomb

}  // namespace

H2Call::~H2Call() {
  if (rare_ && rare_->orphaned) *rare_->orphaned = nullptr;
}

void H2Call::begin(std::string_view method, const CallOptions& options, std::size_t size) {
  Loop& loop = channel_->loop();
  timing_ = Timing{};
  timing_.started = loop.precise_now();
  timing_.intended = options.intended == TimePoint{} ? timing_.started : options.intended;
  open_ = true;
  channel_->enter(*this);
  const Request request{channel_->path(method), options.timeout,
                        options.compression.value_or(channel_->options().compression), options.metadata,
                        options.wait_for_ready};
  if (options.metadata != nullptr) {
    if (const Outcome fine = GrpcRequest::check(*options.metadata); !fine) {
      return end(GrpcCode::internal, fine.error().message);
    }
  }
  if (too_large_to_send(size)) return;
  channel_->submit(*this, request);
  if (!options.timeout || over() || *options.timeout >= kNever - timing_.started) return;
  if (!deadline_) {
    deadline_ = std::make_unique<Timer>(loop, [this] { out_of_time(); });
  }
  deadline_->arm(timing_.started + *options.timeout);
}

H2Call::Rare& H2Call::rare() {
  if (!rare_) rare_ = std::make_unique<Rare>();
  return *rare_;
}

void H2Call::keep_request(const Request& request) {
  waited_ = true;
  Rare& kept = rare();
  kept.request = request;
  if (request.metadata == nullptr) return;
  kept.metadata = *request.metadata;
  kept.request.metadata = &kept.metadata;
}

void H2Call::sent_on(std::uint64_t connection, std::string_view peer, TimePoint now) {
  connection_ = connection;
  peer_ = peer;
  timing_.sent = now;  // until its headers have left, which on_sent() tells
  if (waited_) queued_ = now - timing_.started;
}

void H2Call::on_sent(TimePoint at) { timing_.sent = at; }

void H2Call::note() { channel_->note(*this); }

void H2Call::over_now(End end) {
  end_ = end;
  const bool received = h2() != nullptr && h2()->receiving();
  timing_.done = received ? h2()->received_at() : Monotonic::now();
  ListHook<WaitingCalls>::unlink();
  note();
}

void H2Call::end(GrpcCode code, std::string message) {
  if (over() || channel_ == nullptr) return;
  our_code_ = code;
  rare().why = std::move(message);
  over_now(End::ours);
  if (waited_ && connection_ == 0) queued_ = timing_.done - timing_.started;  // in vain
  if (h2() != nullptr) h2()->reset(*this, NGHTTP2_CANCEL);
}

void H2Call::out_of_time() {
  std::string message = "Deadline Exceeded";
  if (waited_ && connection_ == 0) message += ": the call never left, it waited for " + channel_->obstacle();
  end(GrpcCode::deadline_exceeded, std::move(message));
}

void H2Call::on_headers(H2Block& block, bool end) {
  if (over()) return;  // nobody looks at it any more
  if (timing_.first_byte == TimePoint{}) timing_.first_byte = h2()->received_at();
  if (!end && answer_.begun()) return unfinished_trailers();
  if (!answer_.take(block, end)) {
    our_code_ = GrpcCode::resource_exhausted;
    rare().why = "the answer's headers are larger than the 64 KiB a client takes";
    return over_now(End::ours);
  }
  if (answer_.foreign()) return over_now(End::clean);
  if (answer_.begun() && !end) headers_came();
}

/// RFC 9113, 8.1: a block behind the answer's is the last thing that comes.
void H2Call::unfinished_trailers() {
  rare().why = fmt::format("{} has broken HTTP/2's rules on this stream: trailers that do not end it", peer_);
  our_code_ = GrpcCode::internal;
  over_now(End::ours);
}

void H2Call::on_end() {
  if (!over()) over_now(End::clean);
}

void H2Call::on_closed(std::uint32_t code) {
  if (over()) return;
  reset_code_ = code;
  if (channel_->refused_by_goaway(connection_, h2_id())) {
    rare().why = fmt::format("not sent: {} had said GOAWAY and takes no more calls on this connection", peer_);
  }
  over_now(End::reset);
}

void H2Call::on_lost(const Error& error) {
  if (over()) return;
  rare().why = error.message;
  over_now(End::lost);
}

void H2Call::settle() {
  if (h2() != nullptr) h2()->reset(*this, end_ == End::clean && !answer_.foreign() ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
  if (deadline_) deadline_->disarm();
  ListHook<WaitingCalls>::unlink();
  ListHook<NotedCalls>::unlink();
  if (std::exchange(open_, false)) channel_->leave(*this);
}

void H2Call::clear() {
  answer_.reset();
  peer_ = {};
  connection_ = unconsumed_ = 0;
  if (rare_) {
    rare_->metadata.clear();
    rare_->why.clear();
  }
  queued_ = Duration{0};
  waited_ = false;
  stalls_ = reset_code_ = 0;
  end_ = End::none;
}

void H2Call::orphan(Loop& loop) {
  end(GrpcCode::cancelled, "the channel was closed");
  settle();
  forget_channel();
  rare().orphaned = std::make_shared<H2Call*>(this);
  loop.post([self = rare_->orphaned] {
    if (*self != nullptr) (*self)->tell();
  });
}

void H2Call::forget_channel() {
  channel_ = nullptr;
  peer_ = {};  // the channel's text
}

/// gRPC words both ends' limits alike; this one came over the wire.
static GrpcStatus with_limit_advice(GrpcStatus status) {
  if (status.code == GrpcCode::resource_exhausted && status.message.starts_with("Received message larger than max")) {
    status.message += "; that limit is the server's own";
  }
  return status;
}

GrpcStatus H2Call::make_status() {
  switch (end_) {
    case End::ours:
      return {our_code_, rare_->why, ""};
    case End::lost:
      return {GrpcCode::unavailable, rare_->why, ""};
    case End::none:
    case End::clean:
    case End::reset:
      break;
  }
  if (answer_.foreign()) return foreign_status();
  if (answer_.has_status()) return with_limit_advice(answer_.status());
  return end_ == End::reset ? reset_status() : foreign_status();
}

GrpcStatus H2Call::reset_status() const {
  if (rare_ && !rare_->why.empty()) return {GrpcCode::unavailable, rare_->why, ""};
  const auto form = reset_by_us() ? "{} has broken HTTP/2's rules on this stream: {}" : "{} has reset the stream: {}";
  return {code_of_reset(reset_code_), fmt::format(fmt::runtime(form), peer_, h2_error_name(reset_code_)), ""};
}

/// A web server's answer, or one without a status.
GrpcStatus H2Call::foreign_status() const {
  const int http = answer_.http_status();
  const std::string how = http == 0            ? "without an HTTP status"
                          : http != 200        ? fmt::format("with HTTP status {}", http)
                          : !answer_.foreign() ? "without a gRPC status"
                          : answer_.content_type().empty()
                              ? "without a content type"
                              : fmt::format("with content type '{}'", visible(answer_.content_type()));
  return {code_of_http_status(http), web_server_text(channel_->address(), how, http, channel_->options().tls), ""};
}

bool H2Call::too_large_to_send(std::size_t size) {
  const auto& limit = channel_->options().max_send;
  if (!limit || size <= *limit) return false;
  end(GrpcCode::resource_exhausted,
      fmt::format("Sent message larger than max ({} vs. {}){}", size, *limit, limit_text("max_send")));
  return true;
}

GrpcStatus H2Call::larger_than_max(std::uint64_t size) const {
  const std::uint64_t limit = channel_->options().max_recv.value_or(kMostUnpacked);
  return {GrpcCode::resource_exhausted,
          fmt::format("Received message larger than max ({} vs. {}){}", size, limit, limit_text("max_recv")), ""};
}

void H2Call::refuse_large(std::uint64_t size) {
  GrpcStatus status = larger_than_max(size);
  end(status.code, std::move(status.message));
}

std::optional<std::string_view> H2Call::unpacked(const MessageAssembly::Message& message, std::string& scratch,
                                                 GrpcStatus& status) {
  if (!message.packed) return message.bytes;
  const GrpcEncoding encoding = answer_.encoding();
  if (encoding == GrpcEncoding::unknown) {
    status = {
        GrpcCode::internal,
        fmt::format("a message is packed by '{}', which we have not offered to take", visible(answer_.encoding_text())),
        ""};
    return std::nullopt;
  }
  if (encoding == GrpcEncoding::none) {
    status = {GrpcCode::internal, "a message is marked as packed, but no grpc-encoding says how", ""};
    return std::nullopt;
  }
  scratch.clear();
  Gunzip gunzip(encoding == GrpcEncoding::gzip ? Packing::gzip : Packing::zlib);
  const auto state = gunzip.feed(message.bytes, scratch, channel_->options().max_recv.value_or(kMostUnpacked));
  if (state == Gunzip::State::end) return scratch;
  status = state == Gunzip::State::too_large
               ? larger_than_max(scratch.size() + 1)  // at least: nobody unpacks the rest
               : GrpcStatus{GrpcCode::internal, "a message cannot be unpacked: it is damaged", ""};
  return std::nullopt;
}

}  // namespace lgen
