// What every service is built from, and what every stream that counts as handled has in common.
//
// *Thread:* Shared is read-only; a StreamCall is used by one call, whose reactions gRPC runs one at a time
// (`cancel` alone may come beside them).
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <utility>

#include "admission.h"
#include "delay.h"
#include "identity.h"
#include "log.h"
#include "metrics.h"
#include "options.h"

namespace lgen::server {

// References to main's pieces; all of them outlive the gRPC server.
struct Shared {
  const Options& options;
  const Identity& identity;
  Log& log;
  Metrics& metrics;
  Admission& admission;
};

inline grpc::Status refusal(Answer answer) {
  if (answer == Answer::kGo) return grpc::Status::OK;
  if (answer == Answer::kCancelled) return grpc::Status::CANCELLED;
  return {grpc::StatusCode::UNAVAILABLE, "the server is starting"};
}

// A stream among --max-handlers, on the gauge and in the metrics.
class StreamCall {
 public:
  StreamCall(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context)
      : identity_(shared.identity),
        metrics_(shared.metrics),
        context_(context),
        record_(method),
        ticket_(shared.admission, Ticket::Needs::kStartAndPlace) {}

  // `go` runs once the stream is handled, `end` instead with the status to finish it with.
  void enter(std::function<void()> go, std::function<void(grpc::Status)> end) {
    ticket_.enter([this, go = std::move(go), end = std::move(end)](Answer answer) {
      if (answer != Answer::kGo) {
        identity_.attach_to_failure(*context_);
        return end(refusal(answer));
      }
      identity_.attach(*context_);
      handled_ = true;
      metrics_.stream_started();
      go();
    });
  }

  // For OnCancel.
  void cancel() {
    ticket_.cancel();
    delay_.cancel();
  }

  void message_read(std::size_t bytes) {
    metrics_.message_read();
    record_.received(bytes);
  }

  bool handled() const { return handled_; }
  // True only when the caller did not get its status; certain in OnDone, not before.
  bool cancelled() const { return context_->IsCancelled(); }

  // For OnDone; gives the number of streams still active.
  std::int64_t finish(grpc::StatusCode code) {
    record_.finish(cancelled() ? grpc::StatusCode::CANCELLED : code);
    return handled_ ? metrics_.stream_finished() : metrics_.active_streams();
  }

  CallRecord& record() { return record_; }
  Delay& delay() { return delay_; }

 private:
  const Identity& identity_;
  Metrics& metrics_;
  grpc::CallbackServerContext* context_;
  CallRecord record_;
  Ticket ticket_;
  Delay delay_;
  bool handled_ = false;
};

}  // namespace lgen::server
