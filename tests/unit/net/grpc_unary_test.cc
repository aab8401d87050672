#include <string>

#include "echo.pb.h"
#include "grpc_fixture.h"
#include "hello.pb.h"
#include "server_process.h"

using namespace std::chrono_literals;
using namespace lgen;
using namespace lgen::test;

namespace {

constexpr std::string_view kHello = "/hello.Hello/SayHello";
constexpr std::string_view kEcho = "/lgen.echo.Echo/Unary";

std::string greeting(const std::string& name) {
  hello::Greeting message;
  message.set_name(name);
  return message.SerializeAsString();
}

std::string slow_echo(double seconds) {
  echo::EchoRequest request;
  request.set_delay_seconds(seconds);
  return request.SerializeAsString();
}

std::string value_of(const Metadata& metadata, const std::string& key) {
  for (const auto& [name, value] : metadata) {
    if (name == key) return value;
  }
  return {};
}

}  // namespace

TEST_CASE("a unary call brings the reply, the headers, the peer and its times") {
  const ServerProcess server({"--pod", "pod-a"});
  Fixture f;
  const auto channel = f.channel(server.target());
  REQUIRE(f.wait_ready(*channel).ok());
  CallOptions options;
  options.intended = f.loop.precise_now() - 5ms;
  const Reply reply = f.call(*channel, kHello, greeting("ada"), options);
  REQUIRE(reply.status.message == "");
  REQUIRE(reply.status.ok());
  hello::Introduction introduction;
  REQUIRE(introduction.ParseFromString(reply.bytes));
  CHECK(introduction.name() == "ada");
  CHECK(value_of(reply.headers, "x-backend") == "pod-a");
  CHECK(reply.peer == server.target());
  CHECK(reply.connection == 1);
  CHECK(reply.timing.intended == options.intended);
  CHECK(reply.timing.intended < reply.timing.started);
  CHECK(reply.timing.started <= reply.timing.sent);
  CHECK(reply.timing.sent <= reply.timing.done);
  CHECK(channel->open_calls() == 0);
}

TEST_CASE("every status of the server arrives with code and text") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  for (int code = 1; code < kGrpcCodes; ++code) {
    echo::EchoRequest request;
    request.set_status_code(code);
    request.set_status_message("text of " + std::to_string(code) + " with \xC3\xA4");
    const Reply reply = f.call(*channel, kEcho, request.SerializeAsString());
    CHECK(static_cast<int>(reply.status.code) == code);
    CHECK(reply.status.message == request.status_message());
    CHECK(reply.bytes.empty());
  }
  CHECK(f.call(*channel, "/hello.Hello/NoSuchMethod", "").status.code == GrpcCode::unimplemented);
}

TEST_CASE("calls end by deadline, by cancel and by limits") {
  const ServerProcess server;
  Fixture f;
  ChannelOptions limits;
  limits.max_recv = 1'000;
  limits.max_send = 1'000;
  const auto channel = f.channel(server.target(), limits);

  CallOptions soon;
  soon.timeout = 20ms;
  CHECK(f.call(*channel, kEcho, slow_echo(30), soon).status.code == GrpcCode::deadline_exceeded);

  std::optional<GrpcCode> code;
  Op op = channel->unary(kEcho, slow_echo(30), {}, [&](const UnaryResult& result) { code = result.status.code; });
  CHECK(channel->open_calls() == 1);
  op.cancel();
  f.until([&] { return code.has_value(); });
  CHECK(*code == GrpcCode::cancelled);
  op.cancel();  // harmless

  echo::EchoRequest big;
  big.set_reply_size(2'000);
  CHECK(f.call(*channel, kEcho, big.SerializeAsString()).status.code == GrpcCode::resource_exhausted);
  big.set_reply_size(1);
  big.set_payload(std::string(2'000, 'x'));
  CHECK(f.call(*channel, kEcho, big.SerializeAsString()).status.code == GrpcCode::resource_exhausted);
}

TEST_CASE("without limits a message of any size passes, with any compression") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  for (const Compression compression : {Compression::none, Compression::gzip, Compression::deflate}) {
    CallOptions options;
    options.compression = compression;
    echo::EchoRequest request;
    request.set_payload(std::string(3'000'000, 'x'));
    const Reply reply = f.call(*channel, kEcho, request.SerializeAsString(), options);
    CHECK(reply.status.message == "");
    echo::EchoReply echoed;
    REQUIRE(echoed.ParseFromString(reply.bytes));
    CHECK(echoed.payload() == request.payload());
  }
}

TEST_CASE("a dropped call is silent, wherever it is dropped") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  bool called = false;
  channel->unary(kHello, greeting("a"), {}, [&](const UnaryResult&) { called = true; }).reset();
  f.until([&] { return channel->open_calls() == 0; });
  CHECK_FALSE(called);

  Op op;
  op = channel->unary(kHello, greeting("b"), {}, [&](const UnaryResult& result) {
    op.reset();  // inside its own completion: what is seen stays valid
    called = result.status.ok() && !result.reply.empty();
  });
  f.until([&] { return called; });
}

TEST_CASE("a call that is over may be held longer than its channel, and one that runs may lose it") {
  const ServerProcess server;
  Fixture f;
  auto channel = f.channel(server.target());
  bool over = false;
  Op held = channel->unary(kHello, greeting("a"), {}, [&](const UnaryResult&) { over = true; });
  f.until([&] { return over; });
  std::optional<GrpcCode> code;
  Op running = channel->unary(kEcho, slow_echo(30), {}, [&](const UnaryResult& r) { code = r.status.code; });
  channel.reset();
  held.cancel();
  held.reset();
  f.until([&] { return code.has_value(); });
  CHECK(*code == GrpcCode::cancelled);
}

TEST_CASE("metadata reaches the server, -bin values as bytes; what HTTP/2 cannot carry is refused by name") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  const Metadata good = {{"x-text", "value"}, {"x-bytes-bin", std::string("\0\xFF\x01", 3)}, {"x-empty", ""}};
  CallOptions options;
  options.metadata = &good;
  CHECK(f.call(*channel, kHello, greeting("a"), options).status.message == "");

  for (const Metadata& bad :
       {Metadata{{"X-Upper", "v"}}, Metadata{{"x-space d", "v"}}, Metadata{{"x-new-line", "a\nb"}}}) {
    options.metadata = &bad;
    const Reply reply = f.call(*channel, kHello, greeting("a"), options);
    CHECK(reply.status.code == GrpcCode::internal);
    CHECK(reply.status.message.find(bad.front().first) != std::string::npos);
  }
}

TEST_CASE("a closed channel cancels its calls and takes no more") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  REQUIRE(f.wait_ready(*channel).ok());
  std::optional<GrpcStatus> status;
  const Op op = channel->unary(kEcho, slow_echo(30), {}, [&](const UnaryResult& result) { status = result.status; });
  channel->close();
  f.until([&] { return status.has_value(); });
  CHECK(status->code == GrpcCode::cancelled);
  CHECK(status->message == "the channel was closed");
  CHECK(f.call(*channel, kHello, greeting("a")).status.message == "the channel is closed");
  CHECK(channel->state() == ChannelState::shutdown);
  CHECK_FALSE(f.wait_ready(*channel).ok());
}

TEST_CASE("nothing is left open when channels and calls are gone") {
  const ServerProcess server;
  Fixture f;
  auto channel = f.channel(server.target());
  REQUIRE(f.wait_ready(*channel).ok());
  Op op = channel->unary(kEcho, slow_echo(30), {}, [](const UnaryResult&) {});
  CHECK(f.loop.open_handles() > 0);
  op.reset();
  channel.reset();
  f.loop.run_until([&] { return f.loop.open_handles() == 0; });
  CHECK(f.loop.open_handles() == 0);
}

TEST_CASE("wait_for_ready waits for a server that comes late; without it the call fails at once") {
  int port = 0;
  {
    const ServerProcess probe;
    port = probe.port();
  }
  const std::string target = "127.0.0.1:" + std::to_string(port);
  Fixture f;
  const auto channel = f.channel(target);
  CHECK(f.call(*channel, kHello, greeting("a")).status.code == GrpcCode::unavailable);
  std::optional<GrpcStatus> status;
  CallOptions options;
  options.wait_for_ready = true;
  options.timeout = kPatience;
  const Op op = channel->unary(kHello, greeting("a"), options, [&](const UnaryResult& r) { status = r.status; });
  f.rest(10ms);
  CHECK_FALSE(status);
  const ServerProcess late({"--grpc-port", std::to_string(port)});
  f.until([&] { return status.has_value(); });
  CHECK(status->message == "");
}
