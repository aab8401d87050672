#include <string>

#include "echo.pb.h"
#include "grpc_fixture.h"
#include "server_process.h"
#include "streaming.pb.h"

using namespace std::chrono_literals;
using namespace lgen;
using namespace lgen::test;

namespace {

constexpr std::string_view kText = "/streaming.Streamer/ProcessTextStream";
constexpr std::string_view kBidi = "/lgen.echo.Echo/BidiStream";
constexpr std::string_view kServer = "/lgen.echo.Echo/ServerStream";

std::string text(const std::string& message) {
  streaming::TextRequest request;
  request.set_message(message);
  request.set_client_id("test");
  request.set_channel_id(7);
  return request.SerializeAsString();
}

int counted(const Stream& stream) {
  streaming::TextResponse response;
  if (stream.messages.size() != 1 || !response.ParseFromString(stream.messages[0])) return -1;
  return response.message_count();
}

std::string echo_of(const std::string& payload, std::uint32_t replies = 0) {
  echo::EchoRequest request;
  request.set_payload(payload);
  request.set_replies(replies);
  return request.SerializeAsString();
}

}  // namespace

TEST_CASE("a client stream: every accepted message is written and counted by the server") {
  ServerProcess server({"--pod", "pod-b"});
  Fixture f;
  const auto channel = f.channel(server.target());
  for (const int messages : {0, 1, 2, 100}) {
    Stream stream(*channel, kText, MethodKind::client);
    CHECK(channel->open_calls() == 1);
    for (int i = 0; i < messages; ++i) REQUIRE(stream.handle->send(text("m")) == GrpcStream::Sent::accepted);
    stream.handle->half_close();
    CHECK(stream.handle->send(text("late")) == GrpcStream::Sent::ended);
    stream.handle->read();
    f.until([&] { return stream.done; });
    CHECK(stream.result.status.message == "");
    CHECK(counted(stream) == messages);
    CHECK(stream.result.accepted == static_cast<std::uint64_t>(messages));
    CHECK(stream.result.written == static_cast<std::uint64_t>(messages));
    CHECK(stream.result.discarded == 0);
    CHECK(stream.result.received == 1);
    CHECK(stream.result.connection == 1);
    CHECK(stream.connection == 1);
    CHECK(stream.peer == server.target());
    CHECK(stream.result.timing.started <= stream.result.timing.sent);
    CHECK(stream.result.timing.sent <= stream.result.timing.first_byte);
    CHECK(stream.result.timing.first_byte <= stream.result.timing.done);
    CHECK(channel->open_calls() == 0);
    CHECK(stream.handle->send(text("late")) == GrpcStream::Sent::ended);
  }
  server.log_with("Processed 100 messages.");
}

TEST_CASE("the send buffer is bounded: a fast sender is told to wait and then to go on") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  REQUIRE(f.wait_ready(*channel).ok());
  Stream stream(*channel, kText, MethodKind::client);
  stream.handle->read();
  const std::string message = text(std::string(1'000, 'x'));
  std::uint64_t sent = 0;
  int last_writable = 0;
  while (sent < 500) {
    int in_a_row = 0;
    while (sent < 500 && stream.handle->send(message) == GrpcStream::Sent::accepted) ++sent, ++in_a_row;
    CHECK(in_a_row <= 64);  // 64 KiB
    if (sent < 500) f.until([&] { return stream.writable > last_writable; });
    last_writable = stream.writable;
  }
  CHECK(stream.writable > 0);
  stream.handle->half_close();
  f.until([&] { return stream.done; });
  CHECK(counted(stream) == 500);
  CHECK(stream.result.written == 500);
}

TEST_CASE("an empty buffer takes one message of any size") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  Stream stream(*channel, kText, MethodKind::client);
  stream.handle->read();
  CHECK(stream.handle->send(text(std::string(1'000'000, 'x'))) == GrpcStream::Sent::accepted);
  CHECK(stream.handle->send(text("y")) == GrpcStream::Sent::full);
  f.until([&] { return stream.writable == 1; });
  CHECK(stream.handle->send(text("y")) == GrpcStream::Sent::accepted);
  stream.handle->half_close();
  f.until([&] { return stream.done; });
  CHECK(counted(stream) == 2);
}

TEST_CASE("a server stream delivers one message per read, then its status") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  Stream stream(*channel, kServer, MethodKind::server);
  stream.keep_reading = false;
  stream.handle->send(echo_of("p", 3));
  stream.handle->half_close();
  for (std::size_t i = 1; i <= 3; ++i) {
    stream.handle->read();
    f.until([&] { return stream.messages.size() == i; });
    f.rest(1ms);
    CHECK(stream.messages.size() == i);
    CHECK((i == 3 || !stream.done));  // the status needs no read of its own
  }
  f.until([&] { return stream.done; });
  CHECK(stream.result.status.message == "");
  CHECK(stream.result.received == 3);
  CHECK(stream.result.written == 1);
}

TEST_CASE("a bidi stream sends and receives at once") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  Stream stream(*channel, kBidi, MethodKind::bidi);
  stream.handle->read();
  for (std::size_t i = 1; i <= 5; ++i) {
    REQUIRE(stream.handle->send(echo_of(std::to_string(i))) == GrpcStream::Sent::accepted);
    f.until([&] { return stream.messages.size() == i; });
    echo::EchoReply reply;
    REQUIRE(reply.ParseFromString(stream.messages.back()));
    CHECK(reply.payload() == std::to_string(i));
    CHECK(stream.handle->received() == i);
    CHECK(stream.handle->written() == i);
  }
  stream.handle->half_close();
  f.until([&] { return stream.done; });
  CHECK(stream.result.status.message == "");
}

TEST_CASE("cancel ends a stream with its reason; accepted = written + discarded whatever the moment") {
  ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  for (const int messages : {0, 1, 50}) {
    Stream stream(*channel, kText, MethodKind::client);
    stream.handle->read();
    for (int i = 0; i < messages; ++i) stream.handle->send(text("m"));
    stream.handle->cancel("had enough");
    f.until([&] { return stream.done; });
    CHECK(stream.result.status.code == GrpcCode::cancelled);
    CHECK(stream.result.status.message == "had enough");
    CHECK(stream.result.accepted == static_cast<std::uint64_t>(messages));
    CHECK(stream.result.written + stream.result.discarded == stream.result.accepted);
  }
}

TEST_CASE("what was written before a cancel was read by the server or is on its way to it") {
  ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  Stream stream(*channel, kText, MethodKind::client);
  stream.handle->read();
  for (int i = 0; i < 20; ++i) stream.handle->send(text("m"));
  f.until([&] { return stream.handle->written() == 20; });
  server.log_with("Stream opened.");
  stream.handle->cancel("enough");
  f.until([&] { return stream.done; });
  CHECK(stream.result.written == 20);
  CHECK(stream.result.discarded == 0);
  server.log_with("Stream cancelled by client after ");
}

TEST_CASE("a dropped stream is cancelled and silent") {
  ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  {
    Stream stream(*channel, kText, MethodKind::client);
    stream.handle->send(text("m"));
    f.until([&] { return stream.handle->written() == 1; });
    server.log_with("Stream opened.");
    stream.handle.reset();
    f.rest(1ms);
    CHECK_FALSE(stream.done);
  }
  server.log_with("Stream cancelled by client after 1 messages.");
  f.until([&] { return channel->open_calls() == 0; });
}

TEST_CASE("a stream may be dropped inside each of its events") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  struct Dropper final : StreamEvents {
    std::unique_ptr<GrpcStream> stream;
    std::string at;
    std::string seen;
    void drop(const char* event) {
      seen += event;
      if (at == event) stream.reset();
    }
    void on_headers(const MetadataView&, std::string_view, std::uint64_t, TimePoint) override { drop("h"); }
    void on_message(std::string_view) override { drop("m"); }
    void on_writable() override {}
    void on_done(const StreamResult&) override { drop("d"); }
  };
  for (const std::string event : {"h", "m", "d"}) {
    Dropper dropper;
    dropper.at = event;
    dropper.stream = channel->open(kText, MethodKind::client, {}, dropper);
    dropper.stream->read();
    dropper.stream->half_close();
    f.until([&] { return dropper.stream == nullptr; });
    const std::string seen = dropper.seen;
    f.until([&] { return channel->open_calls() == 0; });
    f.rest(1ms);
    CHECK(dropper.seen == seen);
  }
}

TEST_CASE("a stream that is over may be held longer than its channel") {
  const ServerProcess server;
  Fixture f;
  auto channel = f.channel(server.target());
  Stream stream(*channel, kText, MethodKind::client);
  stream.handle->read();
  stream.handle->send(text("m"));
  stream.handle->half_close();
  f.until([&] { return stream.done; });
  channel.reset();
  CHECK(stream.handle->send(text("late")) == GrpcStream::Sent::ended);
  stream.handle->half_close();
  stream.handle.reset();
  f.rest(1ms);
}

TEST_CASE("a killed server ends every stream; the accounts still balance") {
  ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 10; ++i) {
    streams.push_back(std::make_unique<Stream>(*channel, kText, MethodKind::client));
    streams.back()->handle->read();
    streams.back()->handle->send(text("m"));
  }
  f.until([&] { return streams.back()->connection == 1; });
  server.end(SIGKILL);
  for (const auto& stream : streams) {
    while (stream->handle->send(text("m")) == GrpcStream::Sent::accepted) {
    }
    f.until([&] { return stream->done; });
    CHECK(stream->result.status.code == GrpcCode::unavailable);
    CHECK(stream->result.written + stream->result.discarded == stream->result.accepted);
    CHECK(stream->result.connection == 1);
  }
}

TEST_CASE("a stream nobody answers tells why, with all messages discarded") {
  std::string target;
  {
    const ServerProcess probe;
    target = probe.target();
  }
  Fixture f;
  const auto channel = f.channel(target);
  Stream stream(*channel, kText, MethodKind::client);
  stream.handle->read();
  CHECK(stream.handle->send(text("m")) == GrpcStream::Sent::accepted);
  f.until([&] { return stream.done; });
  CHECK(stream.result.status.code == GrpcCode::unavailable);
  CHECK(stream.result.status.message.find("refuses connections") != std::string::npos);
  CHECK(stream.result.discarded == 1);
  CHECK(stream.result.connection == 0);
}

TEST_CASE("a stream whose metadata cannot be sent ends, also for those who read or send") {
  Fixture f;
  const auto channel = f.channel("127.0.0.1:1");
  const Metadata metadata = {{"a b", "c"}};
  CallOptions options;
  options.metadata = &metadata;
  Stream stream(*channel, kText, MethodKind::client, options);
  stream.handle->read();
  stream.handle->send(text("m"));
  f.until([&] { return stream.done; });
  CHECK(stream.result.status.message == "metadata 'a b': not a header HTTP/2 can carry");
  CHECK(stream.result.accepted == stream.result.discarded);
  CHECK_FALSE(stream.result.answered);
}

TEST_CASE("a deadline ends a stream") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  CallOptions options;
  options.timeout = 30ms;
  Stream stream(*channel, kText, MethodKind::client, options);
  stream.handle->read();
  f.until([&] { return stream.done; });
  CHECK(stream.result.status.code == GrpcCode::deadline_exceeded);
}
