// The same work as bare_grpc.cc on lgen's loop and `grpc` transport, without Lua: what the transport adds to gRPC.
#include <absl/synchronization/mutex.h>

#include <memory>
#include <string>
#include <vector>

#include "bench_options.h"
#include "hello.pb.h"
#include "lgen/grpc.h"
#include "streaming.pb.h"

namespace {

constexpr auto kDeadline = std::chrono::seconds(10);

struct Run {
  std::uint64_t to_start = 0;
  std::uint64_t open = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
};

class UnarySlot {
 public:
  UnarySlot(Run& run, lgen::GrpcChannel& channel) : run_(run), channel_(channel) {}

  void start() {
    if (run_.to_start == 0) return;
    --run_.to_start;
    ++run_.open;
    request_.set_name("vu" + std::to_string(run_.to_start & 63));
    request_.SerializeToString(&bytes_);
    lgen::CallOptions options;
    options.timeout = kDeadline;
    op_ = channel_.unary("/hello.Hello/SayHello", bytes_, options,
                         [this](const lgen::UnaryResult& result) { complete(result); });
  }

 private:
  void complete(const lgen::UnaryResult& result) {
    --run_.open;
    ++run_.done;
    const bool parsed = reply_.ParseFromArray(result.reply.data(), static_cast<int>(result.reply.size()));
    if (!result.status.ok() || !parsed || reply_.name().empty()) ++run_.failed;
    start();
  }

  Run& run_;
  lgen::GrpcChannel& channel_;
  hello::Greeting request_;
  hello::Introduction reply_;
  std::string bytes_;
  lgen::Op op_;
};

class Stream final : public lgen::StreamEvents {
 public:
  Stream(Run& run, lgen::GrpcChannel& channel, int id, std::uint64_t messages)
      : run_(run), id_(id), left_(messages), expected_(messages) {
    ++run_.open;
    stream_ = channel.open("/streaming.Streamer/ProcessTextStream", lgen::MethodKind::client, {}, *this);
    stream_->read();
    on_writable();
  }

  void on_headers(const lgen::MetadataView&, std::string_view, std::uint64_t, lgen::TimePoint) override {}
  void on_message(std::string_view message) override {
    reply_.ParseFromArray(message.data(), static_cast<int>(message.size()));
  }
  void on_writable() override {
    for (; left_ > 0; --left_) {
      request_.set_message(bench::kText);
      request_.set_channel_id(id_);
      request_.SerializeToString(&bytes_);
      if (stream_->send(bytes_) != lgen::GrpcStream::Sent::accepted) return;
    }
    stream_->half_close();
  }
  void on_done(const lgen::StreamResult& result) override {
    --run_.open;
    run_.done += expected_;
    const bool counted = static_cast<std::uint64_t>(reply_.message_count()) == expected_;
    if (!result.status.ok() || !counted || result.written != expected_) ++run_.failed;
  }

 private:
  Run& run_;
  int id_;
  std::uint64_t left_;
  std::uint64_t expected_;
  streaming::TextRequest request_;
  streaming::TextResponse reply_;
  std::string bytes_;
  std::unique_ptr<lgen::GrpcStream> stream_;
};

std::unique_ptr<lgen::GrpcChannel> dial(lgen::Loop& loop, const std::string& target) {
  auto channel = lgen::make_grpc_core_channel(loop, target, {});
  bool over = false;
  bool ready = false;
  const lgen::Op waiting = (*channel)->wait_ready(loop.precise_now() + kDeadline, [&](const lgen::Outcome& outcome) {
    over = true;
    ready = outcome.ok();
  });
  loop.run_until([&] { return over; });
  if (!ready) {
    std::fprintf(stderr, "%s: no connection\n", target.c_str());
    std::exit(1);
  }
  return std::move(*channel);
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const bench::Options options = bench::parse(argc, argv);
  lgen::RealClock clock;
  lgen::Loop loop(clock);
  std::vector<std::unique_ptr<lgen::GrpcChannel>> channels;
  for (int i = 0; i < options.channels; ++i) channels.push_back(dial(loop, options.target));
  const auto channel = [&](int i) -> lgen::GrpcChannel& {
    return *channels[static_cast<std::size_t>(i % options.channels)];
  };

  Run run;
  const bench::Meter meter;
  std::vector<std::unique_ptr<UnarySlot>> slots;
  std::vector<std::unique_ptr<Stream>> streams;
  run.to_start = options.calls;
  for (int i = 0; options.calls > 0 && i < options.inflight; ++i) {
    slots.push_back(std::make_unique<UnarySlot>(run, channel(i)));
    slots.back()->start();
  }
  for (int i = 0; i < options.streams; ++i) {
    streams.push_back(std::make_unique<Stream>(run, channel(i), i, options.messages));
  }
  loop.run_until([&] { return run.open == 0; });
  meter.print(options.calls > 0 ? "call" : "message", run.done, run.failed);
  return run.failed == 0 ? 0 : 1;
}
