#include <string>
#include <vector>

#include "certificates.h"
#include "grpc_fixture.h"
#include "raw_listener.h"
#include "server_process.h"
#include "streaming.pb.h"

using namespace std::chrono_literals;
using namespace lgen;
using namespace lgen::test;

namespace {

constexpr std::string_view kText = "/streaming.Streamer/ProcessTextStream";

std::unique_ptr<Stream> held(GrpcChannel& channel) {
  auto stream = std::make_unique<Stream>(channel, kText, MethodKind::client);
  stream->handle->read();
  return stream;
}

/// "CONNECTING READY ..." with the connection where one was made or left.
struct Events {
  explicit Events(GrpcChannel& channel) {
    channel.on_event([this](const ChannelEvent& event) { all.push_back(event); });
  }
  bool left(std::uint64_t connection) const { return find(connection) != nullptr; }
  const ChannelEvent* find(std::uint64_t connection) const {
    for (const ChannelEvent& event : all) {
      if (event.prev == ChannelState::ready && event.connection == connection) return &event;
    }
    return nullptr;
  }
  std::vector<ChannelEvent> all;
};

/// The outcome of waiting once an attempt to connect has failed, which on a busy machine may take several waits.
Outcome failed_to_connect(Fixture& f, GrpcChannel& channel) {
  Outcome outcome = f.wait_ready(channel, 600ms);
  for (int i = 0; i < 50 && !outcome && outcome.error().message.find("is not ready in time") != std::string::npos;
       ++i) {
    outcome = f.wait_ready(channel, 600ms);
  }
  return outcome;
}

}  // namespace

TEST_CASE("every channel of its own connection is one socket; equal channels that may share are one in all") {
  Certificates certificates;
  const auto files = certificates.make("server", {"grpc.example.com"});
  const ServerProcess plain;
  const ServerProcess tls({"--tls-cert", files.cert, "--tls-key", files.key});
  TlsOptions trust;
  trust.ca = files.cert;
  trust.server_name = "grpc.example.com";
  struct Row {
    const char* scenario;
    const ServerProcess& server;
    bool tls;
    bool own;
    std::size_t sockets;
  };
  const std::vector<Row> rows = {
      {"own connections, plaintext", plain, false, true, 3},
      {"own connections, TLS", tls, true, true, 3},
      {"connections may be shared, plaintext", plain, false, false, transport() == "h2" ? 3U : 1U},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    Fixture f;
    ChannelOptions options;
    if (row.tls) options.tls = trust;
    options.own_connection = row.own;
    std::vector<std::shared_ptr<GrpcChannel>> channels;
    for (int i = 0; i < 3; ++i) {
      channels.push_back(f.channel(row.server.target(), options));
      REQUIRE(f.wait_ready(*channels.back()).ok());
      CHECK(channels.back()->connections() == 1);
    }
    CHECK(sockets_to(row.server.port()) == row.sockets);
  }
}

TEST_CASE("one channel behind three handles is one socket, in plaintext and over TLS") {
  Certificates certificates;
  const auto files = certificates.make("server", {"grpc.example.com"});
  for (const bool with_tls : {false, true}) {
    const ServerProcess server(with_tls ? std::vector<std::string>{"--tls-cert", files.cert, "--tls-key", files.key}
                                        : std::vector<std::string>{});
    Fixture f;
    ChannelOptions options;
    if (with_tls) options.tls = TlsOptions{files.cert, "", "", "grpc.example.com", true};
    const auto channel = f.channel(server.target(), options);
    GrpcPool pool({channel, channel, channel}, Pick::round_robin, 1);
    std::vector<std::unique_ptr<Stream>> streams;
    for (int i = 0; i < 9; ++i) streams.push_back(held(pool.at(pool.pick(1))));
    f.until([&] { return streams.back()->connection != 0; });
    CHECK(sockets_to(server.port()) == 1);
    CHECK(channel->connections() == 1);
  }
}

TEST_CASE("the states of a channel are told in order with the number of the connection") {
  const ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  Events events(*channel);
  CHECK(channel->state() == ChannelState::idle);
  REQUIRE(f.wait_ready(*channel).ok());
  CHECK(channel->state() == ChannelState::ready);
  f.until([&] { return events.all.size() == 2; });
  CHECK(events.all[0].state == ChannelState::connecting);
  CHECK(events.all[0].prev == ChannelState::idle);
  CHECK(events.all[1].state == ChannelState::ready);
  CHECK(events.all[1].connection == 1);
  CHECK(events.all[0].at <= events.all[1].at);
}

TEST_CASE("a GOAWAY under open streams is told; new streams get the next connection's number") {
  const ServerProcess server({"--max-connection-age", "300ms", "--max-connection-age-grace", "30s"});
  Fixture f;
  const auto channel = f.channel(server.target());
  Events events(*channel);
  const auto old_stream = held(*channel);
  f.until([&] { return events.left(1); });
  CHECK(events.find(1)->goaway == (transport() == "h2" ? Goaway::seen : Goaway::inferred));
  CHECK_FALSE(old_stream->done);
  const auto new_stream = held(*channel);
  f.until([&] { return new_stream->connection != 0; });
  CHECK(old_stream->connection == 1);
  CHECK(new_stream->connection == 2);
  CHECK(channel->connections() == 2);
  CHECK(sockets_to(server.port()) == 2);
  old_stream->handle->half_close();
  f.until([&] { return old_stream->done; });
  CHECK(old_stream->result.status.ok());
  CHECK(old_stream->result.connection == 1);
}

TEST_CASE("streams opened over many reconnects carry the number of the socket they used") {
  const ServerProcess server({"--max-connection-age", "100ms", "--max-connection-age-grace", "50ms"});
  Fixture f;
  const auto channel = f.channel(server.target());
  Events events(*channel);
  std::vector<std::unique_ptr<Stream>> streams;
  while (channel->connections() < 6) {
    streams.push_back(held(*channel));
    f.until([&] { return streams.back()->connection != 0 || streams.back()->done; });
    CHECK((streams.back()->done || streams.back()->connection == channel->connections()));
    f.rest(10ms);
  }
  for (const auto& stream : streams) f.until([&] { return stream->done; });
  std::uint64_t last = 0;
  for (const auto& stream : streams) {
    if (stream->result.connection == 0) continue;  // caught between two connections
    CHECK(stream->result.connection >= last);
    last = stream->result.connection;
  }
  for (std::uint64_t connection = 1; connection < channel->connections(); ++connection) {
    f.until([&] { return events.left(connection); });
  }
  std::uint64_t ready = 0;
  for (const ChannelEvent& event : events.all) {
    if (event.state == ChannelState::ready) CHECK(event.connection == ++ready);
  }
}

TEST_CASE("a connection lost with its streams is closed, not a GOAWAY") {
  ServerProcess server;
  Fixture f;
  const auto channel = f.channel(server.target());
  Events events(*channel);
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 200; ++i) streams.push_back(held(*channel));
  f.until([&] { return streams.back()->connection == 1; });
  server.end(SIGKILL);
  f.until([&] { return events.left(1); });
  CHECK(events.find(1)->goaway == Goaway::no);
  CHECK(events.find(1)->reason.find("closed") != std::string::npos);
  f.until([&] { return events.all.back().state == ChannelState::transient_failure || channel->open_calls() == 0; });
}

TEST_CASE("reconnect makes a new connection for new streams; the old one lives until its streams end") {
  const ServerProcess server;
  for (const bool own : {true, false}) {
    Fixture f;
    ChannelOptions options;
    options.own_connection = own;
    const auto channel = f.channel(server.target(), options);
    const auto old_stream = held(*channel);
    f.until([&] { return old_stream->connection == 1; });
    channel->reconnect();
    const auto new_stream = held(*channel);
    f.until([&] { return new_stream->connection != 0; });
    CHECK(new_stream->connection == 2);
    CHECK(channel->connections() == 2);
    CHECK(sockets_to(server.port()) == 2);
    old_stream->handle->half_close();
    f.until([&] { return old_stream->done; });
    CHECK(old_stream->result.status.message == "");
    f.until([&] { return sockets_to(server.port()) == 1; });
  }
}

TEST_CASE("waiting for a channel that cannot become ready says why") {
  const RawListener silent(RawListener::Manner::silent);
  const RawListener black_hole(RawListener::Manner::full);
  const RawListener http1(RawListener::Manner::answering, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  int closed_port = 0;
  {
    const RawListener gone(RawListener::Manner::silent);
    closed_port = gone.port();
  }
  struct Row {
    const char* scenario;
    std::string target;
    ErrorCode code;
    const char* says;
  };
  const std::vector<Row> rows = {
      {"nobody listens", "127.0.0.1:" + std::to_string(closed_port), ErrorCode::refused, "refuses connections"},
      {"no such name", "no-such-host.invalid:1", ErrorCode::not_found, "does not resolve"},
      {"a black hole", black_hole.target(), ErrorCode::timeout, "does not answer"},
      {"a peer that is silent", silent.target(), ErrorCode::protocol, "does not speak HTTP/2"},
      {"HTTP/1", http1.target(), ErrorCode::protocol, "HTTP/1"},
  };
  for (const Row& row : rows) {
    INFO(row.scenario);
    Fixture f;
    ChannelOptions options;
    options.backoff.min = 200ms;
    const auto channel = f.channel(row.target, options);
    Events events(*channel);
    const Outcome outcome = failed_to_connect(f, *channel);
    REQUIRE_FALSE(outcome.ok());
    INFO(outcome.error().message);
    CHECK(outcome.error().code == row.code);
    CHECK(outcome.error().message.find(row.says) != std::string::npos);
    CHECK(outcome.error().message.find(row.target) != std::string::npos);
    const Reply reply = f.call(*channel, "/hello.Hello/SayHello", "");
    INFO(reply.status.message);
    CHECK(reply.status.code == GrpcCode::unavailable);
    CHECK(reply.status.message.find(row.says) != std::string::npos);
    CHECK(channel->connections() == 0);
  }
}

TEST_CASE("waiting completes once, can be cancelled and can be dropped") {
  const RawListener silent(RawListener::Manner::silent);
  Fixture f;
  const auto channel = f.channel(silent.target());
  std::optional<Outcome> outcome;
  Op op = channel->wait_ready(kNever, [&](Outcome result) { outcome = result; });
  op.cancel();
  CHECK_FALSE(outcome);
  f.until([&] { return outcome.has_value(); });
  CHECK(outcome->error().code == ErrorCode::cancelled);
  bool called = false;
  channel->wait_ready(f.loop.precise_now() + 1ms, [&](const Outcome&) { called = true; }).reset();
  f.rest(10ms);
  CHECK_FALSE(called);
}

TEST_CASE("options that cannot work are refused before anything is dialled") {
  Fixture f;
  struct Row {
    const char* says;
    ChannelOptions options;
  };
  std::vector<Row> rows(5);
  rows[0].says = "pick_first or round_robin";
  rows[0].options.lb = "best_first";
  rows[1].says = "not valid JSON";
  rows[1].options.service_config = "{";
  rows[2].says = "hedgingPolicy";
  rows[2].options.service_config = R"({"methodConfig":[{"hedgingPolicy":{"maxAttempts":2}}]})";
  rows[3].says = "32-bit";
  rows[3].options.args["grpc.any"] = std::int64_t{1} << 40;
  rows[4].says = "initial is longer than max";
  rows[4].options.backoff.initial = 1h;
  for (const Row& row : rows) {
    const auto made = make_grpc_core_channel(f.loop, "127.0.0.1:1", row.options);
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().code == ErrorCode::invalid_argument);
    CHECK(made.error().message.find(row.says) != std::string::npos);
  }
  CHECK(f.loop.open_handles() == 0);
}
