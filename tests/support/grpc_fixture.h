// What every test of a gRPC channel needs: a loop, a channel on it, and outcomes as values one can wait for.
// Thread: the test's.
#pragma once

#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lgen/grpc.h"
#include "loop_fixture.h"

namespace lgen::test {

/// A UnaryResult that outlives its callback.
struct Reply {
  GrpcStatus status;
  std::string bytes;
  Timing timing;
  std::string peer;
  std::uint64_t connection = 0;
  Metadata headers;
  Metadata trailers;
  bool answered = false;
  Duration queued{0};
  std::uint32_t stalls = 0;
};

inline Metadata copy_of(const MetadataView& view) { return {view.begin(), view.end()}; }

/// The tests of calls and streams run over each: LGEN_TEST_TRANSPORT=h2.
inline std::string_view transport() {
  const char* chosen = std::getenv("LGEN_TEST_TRANSPORT");
  return chosen != nullptr ? chosen : "grpc";
}

class Fixture : public LoopFixture {
 public:
  explicit Fixture(std::string_view over = transport()) : LoopFixture(over == "grpc"), over_(over) {}

  std::shared_ptr<GrpcChannel> channel(const std::string& target, const ChannelOptions& options = {}) {
    auto made = make_channel(over_, loop, target, options);
    if (!made) FAIL(made.error().message);
    return std::move(made).value();
  }

  /// Lets the loop go on for a while, for what must not happen.
  void rest(Duration duration) {
    Timer timer(loop, [] {});
    timer.arm(loop.precise_now() + duration);
    loop.run_until([&] { return !timer.armed(); });
  }

  Outcome wait_ready(GrpcChannel& channel, Duration patience = kPatience) {
    std::optional<Outcome> result;
    const Op op = channel.wait_ready(loop.precise_now() + patience, [&](Outcome outcome) { result = outcome; });
    until([&] { return result.has_value(); });
    return *result;
  }

  Reply call(GrpcChannel& channel, std::string_view method, std::string_view request, const CallOptions& options = {}) {
    std::optional<Reply> reply;
    const Op op = channel.unary(method, request, options, [&](const UnaryResult& result) {
      reply = Reply{result.status,
                    std::string(result.reply),
                    result.timing,
                    std::string(result.peer),
                    result.connection,
                    copy_of(*result.headers),
                    copy_of(*result.trailers),
                    result.answered,
                    result.queued,
                    result.stalls};
    });
    CHECK_FALSE(reply);  // never inside the starting call
    until([&] { return reply.has_value(); });
    return *reply;
  }

 private:
  std::string_view over_;
};

/// One stream and everything it has told.
class Stream final : public StreamEvents {
 public:
  Stream(GrpcChannel& channel, std::string_view method, MethodKind kind, const CallOptions& options = {})
      : handle(channel.open(method, kind, options, *this)) {}

  void on_headers(const MetadataView& view, std::string_view from, std::uint64_t number, TimePoint) override {
    headers = copy_of(view);
    peer = from;
    connection = number;
  }
  void on_message(std::string_view message) override {
    messages.emplace_back(message);
    if (keep_reading && handle) handle->read();
  }
  void on_writable() override { ++writable; }
  void on_done(const StreamResult& stream_result) override {
    CHECK_FALSE(done);  // exactly once
    done = true;
    result = stream_result;
    result.headers = result.trailers = nullptr;
    headers_at_end = copy_of(*stream_result.headers);
    trailers = copy_of(*stream_result.trailers);
    result_peer = stream_result.peer;
  }

  Metadata headers;
  Metadata headers_at_end;
  Metadata trailers;
  std::string peer;
  std::string result_peer;
  std::uint64_t connection = 0;
  std::vector<std::string> messages;
  int writable = 0;
  bool done = false;
  bool keep_reading = true;
  StreamResult result;
  std::unique_ptr<GrpcStream> handle;
};

/// Established TCP connections of this machine to `port`, seen from the client's side.
inline std::size_t sockets_to(int port) {
  std::set<unsigned long> inodes;  // a line may come twice while the table changes
  for (const char* path : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream table(path);
    std::string line;
    std::getline(table, line);
    while (std::getline(table, line)) {
      char remote[64] = "";
      unsigned remote_port = 0;
      unsigned state = 0;
      unsigned long inode = 0;
      if (std::sscanf(line.c_str(), " %*d: %*[0-9A-F]:%*x %63[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %*u %*d %lu", remote,
                      &remote_port, &state, &inode) != 4)
        continue;
      if (static_cast<int>(remote_port) == port && state == 1) inodes.insert(inode);
    }
  }
  return inodes.size();
}

}  // namespace lgen::test
