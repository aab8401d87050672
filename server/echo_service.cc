#include "echo_service.h"

#include <algorithm>
#include <functional>
#include <random>
#include <utility>

#include "echo_rules.h"

namespace lgen::server {
namespace {

using echo::EchoReply;
using echo::EchoRequest;

double chance() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

// Gives `then` the outcome the request asks for, after the delay it asks for; CANCELLED when the caller goes first.
// `request` need not outlive this call.
void decide(Delay& delay, const EchoRequest& request, std::function<void(const grpc::Status&)> then) {
  const grpc::Status valid = check_echo(request);
  const grpc::Status outcome = valid.ok() ? echo_outcome(request, chance()) : valid;
  const auto wait = valid.ok() ? echo_wait(request, chance()) : std::chrono::nanoseconds(0);
  if (wait.count() == 0) return then(outcome);
  delay.start(wait, [outcome, then = std::move(then)](bool waited) {
    then(waited ? outcome : grpc::Status(grpc::StatusCode::CANCELLED, "the caller has gone"));
  });
}

// What one call has read and answered so far.
class Conversation {
 public:
  Conversation(const Shared& shared, const grpc::CallbackServerContext& context) : shared_(shared), context_(context) {}

  void read(const EchoRequest& request) {
    ++messages_;
    bytes_ += request.payload().size();
  }

  void fill(EchoReply& reply, const EchoRequest& request) {
    reply.set_payload(echo_payload(request));
    reply.set_sequence(++replies_);
    reply.set_messages_seen(messages_);
    reply.set_payload_bytes_seen(bytes_);
    reply.set_pod(shared_.identity.pod);
    reply.set_previous_rpc_attempts(previous_attempts(context_));
    reply.set_peer(context_.peer());
    const auto authority = context_.ExperimentalGetAuthority();
    reply.set_authority(std::string(authority.data(), authority.size()));
  }

  std::uint64_t replies() const { return replies_; }

 private:
  const Shared& shared_;
  const grpc::CallbackServerContext& context_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t replies_ = 0;
};

class UnaryEcho final : public grpc::ServerUnaryReactor {
 public:
  UnaryEcho(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context,
            const EchoRequest* request, EchoReply* reply)
      : identity_(shared.identity),
        context_(context),
        request_(request),
        reply_(reply),
        record_(method),
        ticket_(shared.admission, Ticket::Needs::kStart),
        conversation_(shared, *context) {
    record_.received(request->ByteSizeLong());
    ticket_.enter([this](Answer answer) {
      if (answer != Answer::kGo) return end(refusal(answer));
      decide(delay_, *request_, [this](const grpc::Status& status) { end(status); });
    });
  }

  void OnCancel() override {
    ticket_.cancel();
    delay_.cancel();
  }

  void OnDone() override {
    record_.finish(context_->IsCancelled() ? grpc::StatusCode::CANCELLED : code_);
    delete this;
  }

 private:
  void end(const grpc::Status& status) {
    code_ = status.error_code();
    if (status.ok()) {
      reply();
    } else {
      identity_.attach_to_failure(*context_);
    }
    Finish(status);
  }

  void reply() {
    identity_.attach(*context_);
    conversation_.read(*request_);
    conversation_.fill(*reply_, *request_);
    record_.sent(reply_->ByteSizeLong());
  }

  const Identity& identity_;
  grpc::CallbackServerContext* context_;
  const EchoRequest* request_;
  EchoReply* reply_;
  CallRecord record_;
  Ticket ticket_;
  Delay delay_;
  Conversation conversation_;
  grpc::StatusCode code_ = grpc::StatusCode::OK;
};

// The part every streamed echo has: its place, its conversation and its end.
template <typename Reactor>
class StreamedEcho : public Reactor {
 public:
  StreamedEcho(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context)
      : call_(shared, method, context), conversation_(shared, *context) {}

  void OnCancel() override { call_.cancel(); }

  void OnDone() override {
    call_.finish(code_);
    delete this;
  }

 protected:
  void enter(std::function<void()> go) {
    call_.enter(
        [this, go = std::move(go)] {
          this->StartSendInitialMetadata();
          go();
        },
        [this](const grpc::Status& status) { end(status); });
  }

  // Runs `answer` when the request's delay is over and it asks for no failure; else ends the call.
  void respond(const EchoRequest& request, std::function<void()> answer) {
    decide(call_.delay(), request, [this, answer = std::move(answer)](const grpc::Status& status) {
      return status.ok() ? answer() : end(status);
    });
  }

  void read(const EchoRequest& request) {
    call_.message_read(request.ByteSizeLong());
    conversation_.read(request);
  }

  void fill(EchoReply& reply, const EchoRequest& request) {
    conversation_.fill(reply, request);
    call_.record().sent(reply.ByteSizeLong());
  }

  void end(const grpc::Status& status) {
    code_ = status.error_code();
    this->Finish(status);
  }

  std::uint64_t replies() const { return conversation_.replies(); }

 private:
  StreamCall call_;
  Conversation conversation_;
  grpc::StatusCode code_ = grpc::StatusCode::OK;
};

class ClientStreamEcho final : public StreamedEcho<grpc::ServerReadReactor<EchoRequest>> {
 public:
  ClientStreamEcho(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context, EchoReply* reply)
      : StreamedEcho(shared, method, context), reply_(reply) {
    enter([this] { StartRead(&next_); });
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      fill(*reply_, last_);
      return end(grpc::Status::OK);
    }
    read(next_);
    last_.Swap(&next_);  // a failed read may clear what it reads into
    respond(last_, [this] { StartRead(&next_); });
  }

 private:
  EchoReply* reply_;
  EchoRequest next_;
  EchoRequest last_;
};

class ServerStreamEcho final : public StreamedEcho<grpc::ServerWriteReactor<EchoReply>> {
 public:
  ServerStreamEcho(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context,
                   const EchoRequest* request)
      : StreamedEcho(shared, method, context), request_(request) {
    enter([this] {
      read(*request_);
      answer();
    });
  }

  void OnWriteDone(bool ok) override {
    const bool more = replies() < std::max(1u, request_->replies());
    return ok && more ? answer() : end(grpc::Status::OK);
  }

 private:
  void answer() {
    respond(*request_, [this] {
      fill(reply_, *request_);
      StartWrite(&reply_);
    });
  }

  const EchoRequest* request_;
  EchoReply reply_;
};

class BidiStreamEcho final : public StreamedEcho<grpc::ServerBidiReactor<EchoRequest, EchoReply>> {
 public:
  BidiStreamEcho(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context)
      : StreamedEcho(shared, method, context) {
    enter([this] { StartRead(&request_); });
  }

  void OnReadDone(bool ok) override {
    if (!ok) return end(grpc::Status::OK);
    read(request_);
    respond(request_, [this] {
      fill(reply_, request_);
      StartWrite(&reply_);
    });
  }

  // After a failed write the caller has gone, and the read fails as well.
  void OnWriteDone(bool) override { StartRead(&request_); }

 private:
  EchoRequest request_;
  EchoReply reply_;
};

}  // namespace

EchoService::EchoService(const Shared& shared)
    : shared_(shared),
      unary_(shared.metrics.method("lgen.echo.Echo/Unary")),
      client_stream_(shared.metrics.method("lgen.echo.Echo/ClientStream")),
      server_stream_(shared.metrics.method("lgen.echo.Echo/ServerStream")),
      bidi_stream_(shared.metrics.method("lgen.echo.Echo/BidiStream")) {}

grpc::ServerUnaryReactor* EchoService::Unary(grpc::CallbackServerContext* context, const EchoRequest* request,
                                             EchoReply* reply) {
  return new UnaryEcho(shared_, unary_, context, request, reply);
}

grpc::ServerReadReactor<EchoRequest>* EchoService::ClientStream(grpc::CallbackServerContext* context,
                                                                EchoReply* reply) {
  return new ClientStreamEcho(shared_, client_stream_, context, reply);
}

grpc::ServerWriteReactor<EchoReply>* EchoService::ServerStream(grpc::CallbackServerContext* context,
                                                               const EchoRequest* request) {
  return new ServerStreamEcho(shared_, server_stream_, context, request);
}

grpc::ServerBidiReactor<EchoRequest, EchoReply>* EchoService::BidiStream(grpc::CallbackServerContext* context) {
  return new BidiStreamEcho(shared_, bidi_stream_, context);
}

}  // namespace lgen::server
