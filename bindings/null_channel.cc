// The null transport of `lgen check`.
#include <deque>
#include <utility>

#include "lgen/check.h"

namespace lgen {
namespace {

constexpr std::string_view kBackend = "null";

const MetadataView& null_headers() {
  static const MetadataView headers = {{"x-backend", kBackend}};
  return headers;
}
const MetadataView& no_trailers() {
  static const MetadataView none;
  return none;
}

/// An answer that comes in the next turn of the loop. cancel() changes the status, drop() swallows the callback.
class Answer : public Operation {
 public:
  explicit Answer(Loop& loop) {
    loop.post([this] {
      if (!dropped_) answer(cancelled_);
      answered_ = true;
      if (dropped_) delete this;
    });
  }
  void cancel() noexcept override { cancelled_ = true; }
  void drop() noexcept override {
    dropped_ = true;
    if (answered_) delete this;
  }

 protected:
  virtual ~Answer() = default;
  virtual void answer(bool cancelled) = 0;

 private:
  bool cancelled_ = false, dropped_ = false, answered_ = false;
};

GrpcStatus status_of(bool cancelled) {
  return cancelled ? GrpcStatus{GrpcCode::cancelled, "cancelled", ""} : GrpcStatus{};
}

class NullUnary final : public Answer {
 public:
  NullUnary(Loop& loop, const CallOptions& options, UnaryDone done)
      : Answer(loop), loop_(loop), done_(std::move(done)) {
    timing_.started = loop.precise_now();
    timing_.intended = options.intended == TimePoint{} ? timing_.started : options.intended;
  }

 private:
  void answer(bool cancelled) override {
    timing_.sent = timing_.first_byte = timing_.done = loop_.precise_now();
    UnaryResult result;
    result.status = status_of(cancelled);
    result.timing = timing_;
    result.headers = &null_headers();
    result.trailers = &no_trailers();
    result.peer = kBackend;
    result.connection = 1;
    result.answered = true;
    done_(result);
  }
  Loop& loop_;
  UnaryDone done_;
  Timing timing_;
};

class NullReady final : public Answer {
 public:
  NullReady(Loop& loop, std::function<void(Outcome)> done) : Answer(loop), done_(std::move(done)) {}

 private:
  void answer(bool cancelled) override {
    done_(cancelled ? Outcome(make_error(ErrorCode::cancelled, "cancelled")) : Outcome(Done{}));
  }
  std::function<void(Outcome)> done_;
};

/// What a stream has to tell, one step a turn, so that nothing is called back inside a call on it.
class NullStream final : public GrpcStream {
 public:
  NullStream(Loop& loop, MethodKind kind, const CallOptions& options, StreamEvents& events)
      : loop_(loop), kind_(kind), events_(events), alive_(std::make_shared<bool>(true)) {
    result_.timing.started = loop.precise_now();
    result_.timing.intended = options.intended == TimePoint{} ? result_.timing.started : options.intended;
    result_.connection = 1;
    soon([this] {
      result_.timing.sent = result_.timing.first_byte = loop_.precise_now();
      events_.on_headers(null_headers(), kBackend, 1, loop_.precise_now());
    });
  }
  ~NullStream() override { *alive_ = false; }

  Sent send(std::string_view) override {
    if (half_closed_ || ended_) return Sent::ended;
    ++result_.accepted;
    ++result_.written;
    return Sent::accepted;
  }
  void half_close() override {
    half_closed_ = true;
    soon([this] { serve(); });
  }
  void read() override {
    reading_ = true;
    soon([this] { serve(); });
  }
  void cancel(std::string_view reason) override {
    soon([this, text = std::string(reason)] { end({GrpcCode::cancelled, text, ""}); });
  }
  std::uint64_t accepted() const override { return result_.accepted; }
  std::uint64_t written() const override { return result_.written; }
  std::uint64_t received() const override { return result_.received; }
  std::uint64_t connection() const override { return 1; }

 private:
  template <class Step>
  void soon(Step step) {
    loop_.post([alive = alive_, step = std::move(step)] {
      if (*alive) step();
    });
  }
  /// The one message goes out when it is asked for and, where the client speaks first, the client has finished or the
  /// stream is bidi; the end comes when both sides have nothing more.
  void serve() {
    if (ended_) return;
    const bool server_may_speak = kind_ == MethodKind::bidi || kind_ == MethodKind::server || half_closed_;
    if (reading_ && server_may_speak && result_.received == 0) {
      reading_ = false;
      ++result_.received;
      return events_.on_message("");
    }
    const bool client_done = half_closed_ || kind_ == MethodKind::server;
    if (client_done && (reading_ || result_.received > 0)) end({});
  }
  void end(GrpcStatus status) {
    if (std::exchange(ended_, true)) return;
    result_.status = std::move(status);
    result_.timing.done = loop_.precise_now();
    result_.headers = &null_headers();
    result_.trailers = &no_trailers();
    result_.peer = kBackend;
    result_.answered = true;
    events_.on_done(result_);
  }

  Loop& loop_;
  MethodKind kind_;
  StreamEvents& events_;
  std::shared_ptr<bool> alive_;
  StreamResult result_;
  bool half_closed_ = false, reading_ = false, ended_ = false;
};

class NullChannel final : public GrpcChannel {
 public:
  NullChannel(Loop& loop, std::string target) : loop_(loop), target_(std::move(target)) {}

  Op unary(std::string_view, std::string_view, const CallOptions& options, UnaryDone done) override {
    return Op(new NullUnary(loop_, options, std::move(done)));
  }
  std::unique_ptr<GrpcStream> open(std::string_view, MethodKind kind, const CallOptions& options,
                                   StreamEvents& events) override {
    return std::make_unique<NullStream>(loop_, kind, options, events);
  }
  ChannelState state() const override { return ChannelState::ready; }
  void connect() override {}
  Op wait_ready(Deadline, std::function<void(Outcome)> done) override {
    return Op(new NullReady(loop_, std::move(done)));
  }
  void reconnect() override {}
  void close() override {}
  std::uint64_t connections() const override { return 1; }
  std::size_t open_calls() const override { return 0; }
  const std::string& target() const override { return target_; }
  void on_event(std::function<void(const ChannelEvent&)>) override {}

 private:
  Loop& loop_;
  std::string target_;
};

}  // namespace

std::unique_ptr<GrpcChannel> make_null_channel(Loop& loop, const std::string& target) {
  return std::make_unique<NullChannel>(loop, target);
}

}  // namespace lgen
