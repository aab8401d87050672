// Schema::from_reflection: one stream to the server's reflection service, v1 first, v1alpha where that is unknown.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <utility>

#include "lgen/units.h"
#include "reflection_findings.h"
#include "reflection_wire.h"
#include "schema_impl.h"

namespace lgen {
namespace {

constexpr std::string_view kMethods[] = {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
                                         "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"};

bool is_refusal(GrpcCode code) { return code == GrpcCode::unauthenticated || code == GrpcCode::permission_denied; }

ErrorCode error_code_of(GrpcCode code) {
  if (code == GrpcCode::deadline_exceeded) return ErrorCode::timeout;
  if (code == GrpcCode::cancelled) return ErrorCode::cancelled;
  if (code == GrpcCode::resource_exhausted) return ErrorCode::exhausted;
  return code == GrpcCode::ok ? ErrorCode::protocol : ErrorCode::unavailable;
}

/// Lifetime: deleted when its Op is dropped, after the callback it is in.
class ReflectionCall final : public Operation, public StreamEvents {
 public:
  ReflectionCall(GrpcChannel& channel, ReflectionOptions options, Schema::Loaded done)
      : channel_(channel), options_(std::move(options)), done_(std::move(done)), time_left_(options_.timeout) {
    open();
  }

  void cancel() noexcept override {
    cancelled_ = true;
    stream_->cancel("cancelled");
  }
  void drop() noexcept override {
    done_ = nullptr;
    if (finishing_) {
      dropped_ = true;
    } else {
      delete this;
    }
  }

  void on_headers(const MetadataView&, std::string_view, std::uint64_t, TimePoint) override {}
  void on_writable() override { ask(); }
  void on_message(std::string_view message) override;
  void on_done(const StreamResult& result) override;

 private:
  ~ReflectionCall() = default;

  void open();
  void ask();
  template <class Line>
  void trace(Line line) const {
    if (options_.trace) options_.trace(line());
  }
  Outcome take(std::string_view message);
  Error explain(const GrpcStatus& status) const;
  Error about_target(ErrorCode code, std::string_view what) const {
    return make_error(code, fmt::format("reflection of {}: {}", channel_.target(), what));
  }
  Result<std::unique_ptr<Schema>> result(const GrpcStatus& status);
  void finish(Result<std::unique_ptr<Schema>> result);

  GrpcChannel& channel_;
  const ReflectionOptions options_;
  Schema::Loaded done_;
  Duration time_left_;
  std::size_t version_ = 0;  // which of kMethods
  std::unique_ptr<GrpcStream> stream_, old_stream_;
  ReflectionFindings findings_;
  std::deque<ReflectionQuestion> asked_;       // answers come in this order
  std::optional<ReflectionQuestion> waiting_;  // the send buffer had no room for it
  Outcome state_ = Done{};
  bool cancelled_ = false, finishing_ = false, dropped_ = false;
};

void ReflectionCall::open() {
  CallOptions options;
  if (options_.timeout > Duration{0}) options.timeout = std::max(time_left_, Duration(std::chrono::milliseconds(1)));
  options.metadata = &options_.metadata;
  options.wait_for_ready = options_.wait_for_ready;
  findings_ = {};
  asked_.clear();
  waiting_.reset();
  trace([&] { return std::string(kMethods[version_]); });
  stream_ = channel_.open(kMethods[version_], MethodKind::bidi, options, *this);
  stream_->read();
  ask();
}

void ReflectionCall::ask() {
  while (true) {
    if (!waiting_) waiting_ = findings_.next(!asked_.empty());
    if (!waiting_) break;
    if (stream_->send(encode(*waiting_)) != GrpcStream::Sent::accepted) return;  // on_writable or on_done follows
    trace([&] { return "> " + to_text(*waiting_); });
    asked_.push_back(*std::exchange(waiting_, std::nullopt));
  }
  if (findings_.complete()) stream_->half_close();
}

void ReflectionCall::on_message(std::string_view message) {
  if (!findings_.complete() && state_) {
    state_ = take(message);
    if (state_) {
      ask();
    } else {
      stream_->cancel("its answer is of no use");
    }
  }
  stream_->read();
}

Outcome ReflectionCall::take(std::string_view message) {
  if (asked_.empty()) return make_error(ErrorCode::protocol, "it answered what was not asked");
  const auto answer = decode_reflection_answer(message);
  if (!answer) return answer.error();
  trace([&] { return "< " + to_text(*answer); });
  const ReflectionQuestion question = std::move(asked_.front());
  asked_.pop_front();
  return findings_.take(question, *answer);
}

void ReflectionCall::on_done(const StreamResult& stream) {
  trace([&] {
    const auto& [code, message, details] = stream.status;
    return fmt::format("< status {}{}{}", to_string(code), message.empty() ? "" : ": ", message);
  });
  const bool unknown_version = state_ && !findings_.complete() && stream.status.code == GrpcCode::unimplemented;
  if (unknown_version && !cancelled_ && version_ + 1 < std::size(kMethods)) {
    ++version_;
    time_left_ -= stream.timing.done - stream.timing.started;
    old_stream_ = std::move(stream_);
    return open();
  }
  finish(result(stream.status));
}

Result<std::unique_ptr<Schema>> ReflectionCall::result(const GrpcStatus& status) {
  if (cancelled_) return about_target(ErrorCode::cancelled, "cancelled");
  if (!state_) return about_target(state_.error().code, state_.error().message);
  if (!findings_.complete()) return explain(status);
  Result<DescriptorSet> set = findings_.link();
  if (!set) return about_target(ErrorCode::protocol, set.error().message);
  return Schema::Impl::make_schema(*std::move(set));
}

Error ReflectionCall::explain(const GrpcStatus& status) const {
  if (options_.failed && !status.ok()) options_.failed(status.code);
  const std::string instead = fmt::format("give its schema instead: {}", options_.instead);
  if (status.code == GrpcCode::unimplemented) {
    return make_error(ErrorCode::not_found, fmt::format("{} has no server reflection (neither v1 nor v1alpha); {}",
                                                        channel_.target(), instead));
  }
  std::string why = fmt::format("{}: {}", to_string(status.code), status.message);
  if (status.ok()) why = fmt::format("the server ended the stream before it had answered; {}", instead);
  if (status.code == GrpcCode::deadline_exceeded) {
    why = channel_.state() == ChannelState::ready
              ? fmt::format("not over within {}; {}", format_duration(options_.timeout), instead)
              : fmt::format("not connected within {}", format_duration(options_.timeout));
  }
  if (is_refusal(status.code)) why += fmt::format("; pass what it wants in the metadata, or {}", instead);
  return about_target(error_code_of(status.code), why);
}

void ReflectionCall::finish(Result<std::unique_ptr<Schema>> result) {
  finishing_ = true;
  if (auto done = std::exchange(done_, nullptr)) done(std::move(result));
  finishing_ = false;
  if (dropped_) delete this;
}

}  // namespace

Op Schema::from_reflection(GrpcChannel& channel, const ReflectionOptions& options, Loaded done) {
  return Op(new ReflectionCall(channel, options, std::move(done)));
}

}  // namespace lgen
