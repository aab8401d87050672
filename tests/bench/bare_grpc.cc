// The yardstick: what gRPC C++ costs by itself. One thread, one completion queue, GenericStub, the channel arguments,
// deadline and metadata lgen uses, and a generated class serialized for every message.
#include <absl/synchronization/mutex.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/security/credentials.h>

#include <climits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench_options.h"
#include "hello.pb.h"
#include "streaming.pb.h"

namespace {

constexpr auto kDeadline = std::chrono::seconds(10);
using UnaryStub = grpc::TemplatedGenericStub<hello::Greeting, hello::Introduction>;
using StreamStub = grpc::TemplatedGenericStub<streaming::TextRequest, streaming::TextResponse>;

class Tag {
 public:
  virtual ~Tag() = default;
  virtual void complete(bool ok) = 0;
};

std::shared_ptr<grpc::Channel> dial(const std::string& target) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_CHANNELZ, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, INT_MAX);
  arguments.SetMaxReceiveMessageSize(-1);
  auto channel = grpc::CreateCustomChannel("dns:///" + target, grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
    std::fprintf(stderr, "%s: no connection\n", target.c_str());
    std::exit(1);
  }
  return channel;
}

struct Run {
  grpc::CompletionQueue queue;
  std::uint64_t to_start = 0;
  std::uint64_t open = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;

  void loop() {
    void* tag = nullptr;
    bool ok = false;
    while (open > 0 && queue.Next(&tag, &ok)) static_cast<Tag*>(tag)->complete(ok);
  }
};

class UnarySlot final : public Tag {
 public:
  UnarySlot(Run& run, std::shared_ptr<grpc::Channel> channel) : run_(run), stub_(std::move(channel)) {}

  void start() {
    if (run_.to_start == 0) return;
    --run_.to_start;
    ++run_.open;
    context_.emplace();
    context_->set_deadline(std::chrono::system_clock::now() + kDeadline);
    request_.set_name("vu" + std::to_string(run_.to_start & 63));
    call_ = stub_.PrepareUnaryCall(&*context_, "/hello.Hello/SayHello", request_, &run_.queue);
    call_->StartCall();
    call_->Finish(&reply_, &status_, static_cast<Tag*>(this));
  }
  void complete(bool) override {
    --run_.open;
    ++run_.done;
    if (!status_.ok() || reply_.name().empty()) ++run_.failed;
    start();
  }

 private:
  Run& run_;
  UnaryStub stub_;
  std::optional<grpc::ClientContext> context_;
  hello::Greeting request_;
  hello::Introduction reply_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<hello::Introduction>> call_;
};

class Stream final : public Tag {
 public:
  Stream(Run& run, const std::shared_ptr<grpc::Channel>& channel, int id, const bench::Options& options)
      : run_(run),
        id_(id),
        left_(options.messages),
        hint_every_(options.hint_every),
        expected_(options.messages),
        compose_(options.compose) {
    StreamStub stub(channel);
    ++run_.open;
    call_ = stub.PrepareCall(&context_, "/streaming.Streamer/ProcessTextStream", &run_.queue);
    call_->StartCall(static_cast<Tag*>(this));
  }

  void complete(bool ok) override {
    switch (step_) {
      case Step::writing:
        if (ok && left_ > 0) return write();
        step_ = Step::closing;
        return call_->WritesDone(static_cast<Tag*>(this));
      case Step::closing:
        step_ = Step::reading;
        return call_->Read(&reply_, static_cast<Tag*>(this));
      case Step::reading:
        step_ = Step::finishing;
        return call_->Finish(&status_, static_cast<Tag*>(this));
      case Step::finishing:
        --run_.open;
        run_.done += expected_;
        if (!status_.ok() || static_cast<std::uint64_t>(reply_.message_count()) != expected_) ++run_.failed;
    }
  }

 private:
  enum class Step { writing, closing, reading, finishing };

  void write() {
    --left_;
    if (compose_) {
      request_.set_message("[Stream " + std::to_string(id_) + "] This is message number " +
                           std::to_string(expected_ - left_));
    } else {
      request_.set_message(bench::kText);
    }
    request_.set_channel_id(id_);
    grpc::WriteOptions options;
    if (left_ % hint_every_ != 0) options.set_buffer_hint();
    call_->Write(request_, options, static_cast<Tag*>(this));
  }

  Run& run_;
  int id_;
  std::uint64_t left_;
  std::uint64_t hint_every_;
  std::uint64_t expected_;
  bool compose_;
  Step step_ = Step::writing;
  grpc::ClientContext context_;
  streaming::TextRequest request_;
  streaming::TextResponse reply_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncReaderWriter<streaming::TextRequest, streaming::TextResponse>> call_;
};

}  // namespace

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const bench::Options options = bench::parse(argc, argv);
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < options.channels; ++i) channels.push_back(dial(options.target));
  const auto channel = [&](int i) { return channels[static_cast<std::size_t>(i % options.channels)]; };

  Run run;
  const bench::Meter meter;
  std::vector<std::unique_ptr<Tag>> work;
  run.to_start = options.calls;
  for (int i = 0; options.calls > 0 && i < options.inflight; ++i) {
    auto slot = std::make_unique<UnarySlot>(run, channel(i));
    slot->start();
    work.push_back(std::move(slot));
  }
  for (int i = 0; i < options.streams; ++i) work.push_back(std::make_unique<Stream>(run, channel(i), i, options));
  run.loop();
  meter.print(options.calls > 0 ? "call" : "message", run.done, run.failed);
  return run.failed == 0 ? 0 : 1;
}
