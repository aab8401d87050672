// The connection of an `h2` channel: how it is made, ends, is told to go away and is replaced.
#include "h2_connection.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <thread>

#include "certificates.h"
#include "h2_channel.h"
#include "h2_fixture.h"
#include "tcp_connect.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;

namespace {

/// Everything a channel says about its connections.
struct Story {
  explicit Story(GrpcChannel& channel) {
    channel.on_event([this](const ChannelEvent& event) { events.push_back(event); });
  }
  const ChannelEvent* left(std::uint64_t connection) const {
    for (const ChannelEvent& event : events) {
      if (event.prev == ChannelState::ready && event.connection == connection) return &event;
    }
    return nullptr;
  }
  std::vector<ChannelEvent> events;
};

/// An open call and how it ended.
struct Call {
  Call(GrpcChannel& channel, const std::string& request = "", const CallOptions& options = {})
      : op(channel.unary(kMethod, request, options, [this](const UnaryResult& result) {
          status = result.status;
          connection = result.connection;
          answered = result.answered;
        })) {}
  std::optional<GrpcStatus> status;
  std::uint64_t connection = 0;
  bool answered = false;
  Op op;
};

}  // namespace

TEST_CASE("GOAWAY: calls above its last stream were not sent, those below end well, the next go elsewhere") {
  std::atomic<int> served = 0;
  H2Case c([&](H2Peer& peer) {
    if (++served == 1) {
      const auto first = peer.next_request();
      const auto second = peer.next_request();
      peer.goaway(0x7fffffff, NGHTTP2_NO_ERROR);
      peer.goaway(static_cast<std::uint32_t>(first.stream), NGHTTP2_NO_ERROR, "max_age");
      (void)second;
      peer.next(NGHTTP2_PING);  // until the client lets go
      return;
    }
    const auto request = peer.next_request();
    peer.reply(request.stream, "elsewhere");
    peer.wait_closed();
  });
  Story story(*c.channel);
  Call below(*c.channel, "1");
  Call above(*c.channel, "2");
  c.f.until([&] { return above.status.has_value(); });
  CHECK(above.status->code == GrpcCode::unavailable);
  CHECK_THAT(above.status->message, Catch::Contains("not sent"));
  CHECK(above.connection == 1);
  CHECK_FALSE(above.answered);
  CHECK_FALSE(below.status);
  c.f.until([&] { return story.left(1) != nullptr; });
  CHECK(story.left(1)->goaway == Goaway::seen);
  CHECK(story.left(1)->state == ChannelState::idle);
  CHECK_THAT(story.left(1)->reason, Catch::StartsWith("GOAWAY (NO_ERROR, last stream "));
  below.op.cancel();  // the script serves one connection at a time; the old one ends with its last stream
  CHECK(c.call().bytes == "elsewhere");
  CHECK(c.channel->connections() == 2);
}

TEST_CASE("a server that leaves with its first words, or right after them, is said to have left") {
  const bool at_once = GENERATE(true, false);
  const ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    const std::string goaway = H2Peer::frame(NGHTTP2_GOAWAY, 0, 0, std::string(8, '\0') + "full\x1b[2J");
    if (at_once) {
      peer.write(H2Peer::frame(NGHTTP2_SETTINGS, 0, 0, "") + goaway);  // in one read
    } else {
      peer.greet({{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0}});
      while (const auto frame = peer.read_frame()) {
        if (frame->type == NGHTTP2_SETTINGS && (frame->flags & NGHTTP2_FLAG_ACK) != 0) break;
      }
      peer.write(goaway);
    }
    peer.wait_closed();
  });
  Fixture f("h2");
  const auto channel = f.channel(listener.target());
  Story story(*channel);
  Call call(*channel);
  const auto told = [&](const ChannelEvent& event) { return event.goaway == Goaway::seen; };
  f.until([&] { return std::any_of(story.events.begin(), story.events.end(), told); });
  const auto& event = *std::find_if(story.events.begin(), story.events.end(), told);
  CHECK(event.state == (at_once ? ChannelState::transient_failure : ChannelState::idle));
  CHECK_THAT(event.reason, Catch::Contains("GOAWAY (NO_ERROR, last stream 0): full?[2J"));
  if (!at_once) return;
  f.until([&] { return call.status.has_value(); });
  CHECK(call.status->code == GrpcCode::unavailable);
  CHECK_THAT(call.status->message, Catch::Contains("takes connections and leaves them at once: GOAWAY"));
}

TEST_CASE("an abstract local socket is reached by its name") {
  const std::string name = fmt::format("lgen-h2-{}", ::getpid());
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  REQUIRE(::bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(listener, 1) == 0);
  std::thread server([&] {
    const int fd = ::accept(listener, nullptr, nullptr);
    H2Peer peer(fd);
    peer.greet();
    peer.reply(peer.next_request().stream, "here");
    peer.wait_closed();
    ::close(fd);
  });
  {
    Fixture f("h2");
    const auto channel = f.channel("unix-abstract:" + name);
    const Reply reply = f.call(*channel, kMethod, "");
    CHECK(reply.bytes == "here");
    CHECK(reply.peer == "unix-abstract:" + name);
    ::shutdown(listener, SHUT_RDWR);  // for a server that nobody has come to
  }
  server.join();
  ::close(listener);
}

TEST_CASE("an old connection drains: its call ends well after the GOAWAY") {
  H2Case c([](H2Peer& peer) {
    const auto request = peer.next_request();
    peer.goaway(static_cast<std::uint32_t>(request.stream), NGHTTP2_NO_ERROR);
    peer.send(NGHTTP2_PING, 0, 0, "GOAWAY??");
    peer.next(NGHTTP2_PING);  // it has been read
    peer.reply(request.stream, "still");
    peer.wait_closed();
  });
  Story story(*c.channel);
  const Reply reply = c.call();
  CHECK(reply.bytes == "still");
  CHECK(reply.connection == 1);
  REQUIRE(story.left(1) != nullptr);
  CHECK(story.left(1)->goaway == Goaway::seen);
  CHECK(c.channel->state() == ChannelState::idle);
}

TEST_CASE("stream identifiers run out: the connection says so and takes no more") {
  Fixture f("h2");
  const H2Script server([](H2Peer& peer) {
    for (auto request = peer.next_request(); request.stream != 0; request = peer.next_request()) {
      peer.reply(request.stream, "");
    }
  });
  struct Owner final : H2Connection::Events {
    void on_news() override { ++news; }
    int news = 0;
  } owner;
  struct Last final : H2Stream {
    void on_headers(H2Block&, bool) override {}
    void on_data(std::string_view) override {}
    void on_end() override { ended = true; }
    void on_closed(std::uint32_t) override {}
    void on_lost(const Error&) override {}
    Piece pull(std::string&, std::size_t) override { return {0, true}; }
    bool ended = false;
  } last;
  std::unique_ptr<H2Connection> connection;
  const int port = std::stoi(server.target().substr(server.target().find(':') + 1));
  const Op dialling =
      tcp_connect(NetContext::of(f.loop), {.host = "127.0.0.1", .port = port}, [&](Result<Connected> made) {
        REQUIRE(made.ok());
        H2Options options;
        options.first_stream = 0x7fffffff;
        connection = std::make_unique<H2Connection>(NetContext::of(f.loop), std::move(made->stream), options,
                                                    static_cast<H2Connection::Events&>(owner));
      });
  f.until([&] { return connection && connection->usable(); });
  const nghttp2_nv field{};
  const std::uint8_t name[] = ":method", value[] = "GET";
  nghttp2_nv fields[] = {field};
  fields[0] = {const_cast<std::uint8_t*>(name), const_cast<std::uint8_t*>(value), 7, 3, NGHTTP2_NV_FLAG_NONE};
  connection->open(last, {fields, 0, 0}, true);
  CHECK(connection->used_up());
  CHECK_FALSE(connection->has_room());
  f.until([&] { return last.ended; });
}

TEST_CASE("a channel whose stream identifiers have run out takes another connection") {
  Fixture f("h2");
  std::atomic<int> served = 0;
  const H2Script server([&](H2Peer& peer) {
    const std::string number = std::to_string(++served);
    for (auto request = peer.next_request(); request.stream != 0; request = peer.next_request()) {
      peer.reply(request.stream, number);
    }
  });
  H2Channel channel(f.loop, server.target(), *parse_h2_target(server.target()), {}, nullptr);
  channel.begin_at(0x7ffffffd);
  Story story(channel);
  std::string served_by;
  for (int i = 0; i < 4; ++i) served_by += f.call(channel, kMethod, "").bytes;
  CHECK(served_by == "1122");
  REQUIRE(story.left(1) != nullptr);
  CHECK(story.left(1)->reason == "every stream identifier was used");
  CHECK(channel.connections() == 2);
}

TEST_CASE("calls wait for the peer's SETTINGS; without any the attempt fails and says what is there") {
  ChannelOptions options;
  options.backoff.min = 100ms;
  const ScriptedListener silent([](int fd) { ScriptedListener::wait_closed(fd); });
  Fixture f("h2");
  const auto channel = f.channel(silent.target(), options);
  const Reply reply = f.call(*channel, kMethod, "");
  CHECK(reply.status.code == GrpcCode::unavailable);
  CHECK_THAT(reply.status.message, Catch::Contains("does not speak HTTP/2"));
  CHECK(reply.connection == 0);
  CHECK(channel->connections() == 0);
}

TEST_CASE("a peer that speaks something else is named") {
  struct Row {
    const char* scenario;
    std::string bytes;
    const char* says;
  };
  const Row rows[] = {{"HTTP/1", "HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP/1"},
                      {"SSH", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "does not speak HTTP/2"},
                      {"nothing at all", "", "does not speak HTTP/2"},
                      {"zeros", std::string(1000, '\0'), "does not speak HTTP/2"}};
  for (const Row& row : rows) {
    INFO(row.scenario);
    const ScriptedListener listener([&](int fd) {
      char greeting[24];
      ::recv(fd, greeting, sizeof greeting, MSG_WAITALL);
      ScriptedListener::write(fd, row.bytes);
      ::shutdown(fd, SHUT_WR);
      ScriptedListener::wait_closed(fd);
    });
    Fixture f("h2");
    const auto channel = f.channel(listener.target());
    const Reply reply = f.call(*channel, kMethod, "");
    CHECK(reply.status.code == GrpcCode::unavailable);
    CHECK_THAT(reply.status.message, Catch::Contains(row.says));
  }
}

TEST_CASE("a connection lost in the middle of anything ends its calls as UNAVAILABLE, and the next call dials again") {
  const std::string half = H2Peer::frame(NGHTTP2_DATA, 0, 1, "0123456789").substr(0, 12);
  struct Row {
    const char* scenario;
    std::function<void(int, H2Peer&)> end;
  };
  const Row rows[] = {{"closed", [](int, H2Peer&) {}},
                      {"reset", [](int fd, H2Peer&) { ScriptedListener::reset(fd); }},
                      {"closed within a frame", [&](int, H2Peer& peer) { peer.write(half); }},
                      {"reset within a frame",
                       [&](int fd, H2Peer& peer) {
                         peer.write(half);
                         ScriptedListener::reset(fd);
                       }},
                      {"a frame of impossible length",
                       [](int, H2Peer& peer) {
                         peer.write(std::string("\xff\xff\xff\0\0\0\0\0\1", 9) + std::string(100, 'x'));
                         peer.wait_closed();
                       }},
                      {"headers that are no HPACK",
                       [](int, H2Peer& peer) {
                         peer.send(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\xff\xff\xff\xff\xff\xff");
                         peer.wait_closed();
                       }},
                      {"a push nobody asked for", [](int, H2Peer& peer) {
                         peer.send(NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, std::string("\0\0\0\2", 4));
                         peer.wait_closed();
                       }}};
  for (const Row& row : rows) {
    INFO(row.scenario);
    std::atomic<int> served = 0;
    const ScriptedListener listener([&](int fd) {
      H2Peer peer(fd);
      peer.greet();
      const auto request = peer.next_request();
      if (++served == 1) return row.end(fd, peer);
      peer.reply(request.stream, "again");
      peer.wait_closed();
    });
    Fixture f("h2");
    const auto channel = f.channel(listener.target());
    Story story(*channel);
    const Reply lost = f.call(*channel, kMethod, "");
    INFO(lost.status.message);
    CHECK(lost.status.code == GrpcCode::unavailable);
    CHECK(lost.connection == 1);
    CHECK_FALSE(lost.answered);
    f.until([&] { return story.left(1) != nullptr; });
    CHECK(story.left(1)->goaway == Goaway::no);
    CHECK(f.call(*channel, kMethod, "").bytes == "again");
    CHECK(channel->connections() == 2);
  }
}

TEST_CASE("PING is answered; keepalive tells a peer that has gone silent") {
  std::string pong;
  {
    H2Case c([&](H2Peer& peer) {
      const auto request = peer.next_request();
      peer.send(NGHTTP2_PING, 0, 0, "12345678");
      if (const auto frame = peer.next(NGHTTP2_PING)) pong = frame->payload;
      peer.reply(request.stream, "");
      peer.wait_closed();
    });
    CHECK(c.call().status.ok());
  }
  CHECK(pong == "12345678");

  ChannelOptions options;
  options.keepalive.time = 20ms;
  options.keepalive.timeout = 50ms;
  int pings = 0;
  {
    H2Case c(
        [&](H2Peer& peer) {
          peer.answer_pings = false;
          while (const auto frame = peer.read_frame()) pings += frame->type == NGHTTP2_PING ? 1 : 0;
        },
        {}, options);
    const Reply reply = c.call();
    CHECK(reply.status.code == GrpcCode::unavailable);
    CHECK_THAT(reply.status.message, Catch::Contains("keepalive"));
    CHECK(c.channel->state() != ChannelState::ready);
  }
  CHECK(pings == 1);
}

TEST_CASE("keepalive leaves connections without calls alone") {
  ChannelOptions options;
  options.keepalive.time = 5ms;
  options.keepalive.timeout = 5s;
  for (const bool without_calls : {false, true}) {
    options.keepalive.without_calls = without_calls;  // then at most every five minutes
    int pings = 0;
    {
      H2Case c(
          [&](H2Peer& peer) {
            const auto request = peer.next_request();
            peer.reply(request.stream, "");
            while (const auto frame = peer.read_frame()) pings += frame->type == NGHTTP2_PING ? 1 : 0;
          },
          {}, options);
      REQUIRE(c.call().status.ok());
      c.f.rest(60ms);
    }
    CHECK(pings <= 1);  // one may have left while the call was open
  }
}

TEST_CASE("close() ends what is open as cancelled, tells the peer and takes nothing more") {
  std::atomic<bool> told = false;
  H2Case c([&](H2Peer& peer) {
    peer.next_request();
    while (const auto frame = peer.read_frame()) told = told || frame->type == NGHTTP2_GOAWAY;
  });
  Call open(*c.channel);
  REQUIRE(c.f.wait_ready(*c.channel).ok());
  Call waits(*c.channel);
  c.channel->close();
  CHECK_FALSE(open.status);
  c.f.until([&] { return open.status && waits.status; });
  CHECK(open.status->code == GrpcCode::cancelled);
  CHECK(waits.status->code == GrpcCode::cancelled);
  CHECK(c.channel->open_calls() == 0);
  CHECK(c.channel->state() == ChannelState::shutdown);
  CHECK(c.call().status.code == GrpcCode::cancelled);
  CHECK_FALSE(c.f.wait_ready(*c.channel).ok());
}

TEST_CASE("reconnect() takes a fresh connection; the old one lives until its calls end") {
  std::atomic<int> served = 0;
  H2Case c([&](H2Peer& peer) {
    const int number = ++served;
    const auto request = peer.next_request();
    if (number == 1) return peer.wait_closed();
    peer.reply(request.stream, "new");
    peer.wait_closed();
  });
  REQUIRE(c.f.wait_ready(*c.channel).ok());
  Story story(*c.channel);
  {
    const Call old(*c.channel);
    c.channel->reconnect();
    c.f.until([&] { return story.left(1) != nullptr; });
    CHECK(story.left(1)->reason == kLeftByUs);
    CHECK_FALSE(old.status);
  }
  CHECK(c.call().bytes == "new");
  CHECK(c.channel->connections() == 2);
}

TEST_CASE("a channel destroyed with calls open ends them later, without it") {
  H2Case c([](H2Peer& peer) { peer.wait_closed(); });
  REQUIRE(c.f.wait_ready(*c.channel).ok());
  Call open(*c.channel);
  auto dropped = std::make_unique<Call>(*c.channel);
  Stream stream(*c.channel, kMethod, MethodKind::bidi);
  c.f.rest(5ms);
  c.channel.reset();
  dropped.reset();
  CHECK_FALSE(open.status);
  c.f.until([&] { return open.status && stream.done; });
  CHECK(open.status->code == GrpcCode::cancelled);
  CHECK(stream.result.status.code == GrpcCode::cancelled);
}

TEST_CASE("TLS without ALPN h2 or older than 1.2 is refused, and says so") {
  struct Row {
    int version;
    const char* ciphers;
    const char* says;
  };
  const Row rows[] = {{TLS1_3_VERSION, "DEFAULT", "no ALPN 'h2'"},
                      {TLS1_1_VERSION, "ALL:@SECLEVEL=0", "neither TLS 1.2 nor 1.3"}};
  Certificates certificates;
  const auto files = certificates.make("server", {"grpc.example.com"});
  for (const Row& row : rows) {
    const ScriptedListener listener([&](int fd) {
      const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
      SSL_CTX_set_cipher_list(context.get(), row.ciphers);
      SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION);
      SSL_CTX_set_max_proto_version(context.get(), row.version);
      SSL_CTX_use_certificate_chain_file(context.get(), files.cert.c_str());
      SSL_CTX_use_PrivateKey_file(context.get(), files.key.c_str(), SSL_FILETYPE_PEM);
      const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
      SSL_set_fd(ssl.get(), fd);
      SSL_accept(ssl.get());
      ScriptedListener::wait_closed(fd);
    });
    ChannelOptions options;
    options.tls = TlsOptions{};
    options.tls->ca = files.cert;
    options.tls->server_name = "grpc.example.com";
    Fixture f("h2");
    const auto channel = f.channel(listener.target(), options);
    const Outcome outcome = f.wait_ready(*channel);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().code == ErrorCode::tls);
    CHECK_THAT(outcome.error().message, Catch::Contains(row.says));
  }
}

TEST_CASE("a channel tells how long each step of making its connections took") {
  H2Case c([](H2Peer& peer) {
    peer.next_request();
    peer.goaway(0, NGHTTP2_NO_ERROR);
    peer.wait_closed();
  });
  Story story(*c.channel);
  CHECK(c.call().status.code == GrpcCode::unavailable);
  c.f.until([&] { return story.left(1) != nullptr; });
  for (const ChannelEvent& event : story.events) {
    INFO(to_string(event.state));
    CHECK(event.timing.has_value() == (event.state == ChannelState::ready));
    if (!event.timing) continue;
    CHECK(event.timing->connect > 0s);
    CHECK(event.timing->settings > 0s);
    CHECK(event.timing->tls == 0s);
    CHECK(event.timing->total() >= event.timing->connect + event.timing->settings);
    CHECK(event.timing->total() <= event.at - story.events.front().at);
  }
}

TEST_CASE("what only gRPC core can do is refused, with what to do") {
  struct Row {
    const char* says;
    std::function<void(ChannelOptions&)> set;
  };
  const Row rows[] = {{"lb: 'round_robin'", [](ChannelOptions& o) { o.lb = "round_robin"; }},
                      {"service_config", [](ChannelOptions& o) { o.service_config = "{}"; }},
                      {"retries", [](ChannelOptions& o) { o.retries = true; }},
                      {"args['grpc.x']", [](ChannelOptions& o) { o.args["grpc.x"] = std::int64_t{1}; }},
                      {"--proxy env", [](ChannelOptions& o) { o.use_env_proxy = true; }},
                      {"backoff", [](ChannelOptions& o) { o.backoff.initial = 1h; }}};
  Fixture f("h2");
  for (const Row& row : rows) {
    ChannelOptions options;
    row.set(options);
    const auto made = make_h2_channel(f.loop, "127.0.0.1:1", options);
    REQUIRE_FALSE(made.ok());
    CHECK_THAT(made.error().message, Catch::Contains(row.says));
    CHECK_FALSE(check_h2_options(options).ok());
  }
  for (const char* target : {"xds:///x", "dns://1.2.3.4/name:1", "ipv4:1.2.3.4:1,1.2.3.5:1", "nonsense"}) {
    INFO(target);
    CHECK_FALSE(make_h2_channel(f.loop, target, {}).ok());
  }
  ChannelOptions plain;
  plain.lb = "pick_first";
  for (const char* target : {"localhost:1", "dns:///localhost:1", "ipv4:127.0.0.1:1", "ipv6:[::1]:1", "unix:/tmp/x"}) {
    INFO(target);
    CHECK(make_h2_channel(f.loop, target, plain).ok());
  }
}
