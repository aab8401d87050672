#include <fmt/format.h>

#include "lgen/http_server.h"
#include "net_fixture.h"
#include "raw_listener.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

/// Answers every request on every connection with the same bytes.
ScriptedListener::Script answering(std::string bytes) {
  return [bytes = std::move(bytes)](int fd) {
    while (ScriptedListener::read_until(fd, "\r\n\r\n").ends_with("\r\n\r\n")) ScriptedListener::write(fd, bytes);
  };
}
/// The same, once, and then the connection is closed.
ScriptedListener::Script answering_once(std::string bytes) {
  return [bytes = std::move(bytes)](int fd) {
    ScriptedListener::read_until(fd, "\r\n\r\n");
    ScriptedListener::write(fd, bytes);
  };
}

}  // namespace

TEST_CASE("a page is fetched in both modes of the loop") {
  const bool inverted = GENERATE(false, true);
  NetFixture net(inverted);
  ScriptedListener listener(answering("HTTP/1.1 200 Fine\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"));
  {
    HttpClient client(net.loop);
    const Reply first = net.get(client, listener.url());
    CHECK(first.error == "");
    CHECK(first.status == 200);
    CHECK(first.reason == "Fine");
    CHECK(first.body == "hello");
    CHECK(first.header("x-a") == "b");
    CHECK_FALSE(first.reused);
    CHECK(first.peer == fmt::format("127.0.0.1:{}", listener.port()));
    CHECK(first.timing.intended == first.timing.started);
    CHECK(first.connect.started >= first.timing.started);
    CHECK(first.connect.resolved >= first.connect.started);
    CHECK(first.connect.connected >= first.connect.resolved);
    CHECK(first.connect.secured == TimePoint{});
    CHECK(first.timing.sent >= first.connect.connected);
    CHECK(first.timing.first_byte >= first.timing.sent);
    CHECK(first.timing.done >= first.timing.first_byte);
    const Reply second = net.get(client, listener.url());
    CHECK(second.status == 200);
    CHECK(second.reused);
    CHECK(second.connect.connected == first.connect.connected);
    CHECK(client.connections() == 1);
    CHECK(client.idle_connections() == 1);
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("a thousand requests go over one connection") {
  NetFixture net;
  ScriptedListener listener(answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"));
  HttpClient client(net.loop);
  for (int i = 0; i < 1000; ++i) {
    const Reply reply = net.get(client, listener.url());
    REQUIRE(reply.error == "");
    REQUIRE(reply.body == "hello");
  }
  CHECK(client.connections() == 1);
}

TEST_CASE("the request is what was asked for") {
  NetFixture net;
  std::string seen;
  {
    ScriptedListener listener([&](int fd) {
      seen = ScriptedListener::read_until(fd, "{}");
      ScriptedListener::write(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    });
    HttpClient client(net.loop);
    const std::string url = fmt::format("http://me:pw@127.0.0.1:{}/v1/metrics?a=b", listener.port());
    const Reply reply = net.ask(client, {.method = "POST",
                                         .url = url,
                                         .headers = {{"Content-Type", "application/json"}, {"User-agent", "x"}},
                                         .body = "{}"});
    CHECK(reply.error == "");
    CHECK(reply.status == 204);
    CHECK_THAT(seen, Contains(fmt::format("Host: 127.0.0.1:{}\r\n", listener.port())));
  }
  CHECK_THAT(seen, StartsWith("POST /v1/metrics?a=b HTTP/1.1\r\n"));
  CHECK_THAT(seen, Contains("Content-Type: application/json\r\n") && Contains("Content-Length: 2\r\n"));
  CHECK_THAT(seen, Contains("User-agent: x\r\n") && !Contains("lgen/"));
  CHECK_THAT(seen, Contains("Authorization: Basic bWU6cHc=\r\n"));
}

TEST_CASE("an answer that is none says what came, from where, and what to do") {
  struct Row {
    const char* what;
    std::string bytes;
    ErrorCode code;
    const char* part;
  };
  const Row rows[] = {
      {"nothing", "", ErrorCode::closed, "closed the connection without an answer"},
      {"half a head", "HTTP/1.1 200 OK\r\nContent-", ErrorCode::closed, "in the middle of the answer's headers"},
      {"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhello", ErrorCode::closed,
       "in the middle of the body: 5 of 500 bytes have come"},
      {"half the chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", ErrorCode::closed,
       "in the middle of the body, after 5 bytes of it"},
      {"another protocol", "SSH-2.0-OpenSSH_9.2p1 Debian\r\n", ErrorCode::protocol,
       "it sent \"SSH-2.0-OpenSSH_9.2p1 Debian"},
      {"TLS", std::string("\x15\x03\x03\x00\x02\x02\x16", 7), ErrorCode::protocol, "it speaks TLS there; use https://"},
      {"HTTP/2", std::string("\x00\x00\x06\x04\x00\x00\x00\x00\x00", 9), ErrorCode::protocol, "is it a gRPC port?"},
      {"a broken body", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", ErrorCode::protocol,
       "the body of the answer of 127.0.0.1:"},
      {"endless headers", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x'), ErrorCode::protocol,
       "bytes of headers, and no more is read"},
      {"a body beyond the limit", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", ErrorCode::protocol,
       "more than 1000 bytes of body, and no more is read; is it the right page?"},
      {"no gzip", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", ErrorCode::protocol,
       "gzip encoding is broken"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    NetFixture net;
    ScriptedListener listener(answering_once(row.bytes));
    HttpClient client(net.loop, {.max_body = 1000});
    const Reply reply = net.get(client, listener.url("/x"));
    CHECK(reply.code == row.code);
    CHECK_THAT(reply.error, StartsWith("GET " + listener.url("/x") + ": ") && Contains(row.part));
    CHECK(client.idle_connections() == 0);
  }
}

TEST_CASE("a reset is told as such") {
  NetFixture net;
  ScriptedListener listener([](int fd) {
    ScriptedListener::read_until(fd, "\r\n\r\n");
    ScriptedListener::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
    ScriptedListener::reset(fd);
  });
  HttpClient client(net.loop);
  const Reply reply = net.get(client, listener.url());
  CHECK(reply.code == ErrorCode::closed);
  CHECK_THAT(reply.error, Contains("reset the connection in the middle of the "));
}

TEST_CASE("no connection says why and what to look at") {
  NetFixture net;
  HttpClient client(net.loop, {.connect_timeout = 50ms});
  SECTION("nobody listens") {
    int port = 0;
    {
      RawListener gone(RawListener::Manner::silent);
      port = gone.port();
    }
    const Reply reply = net.get(client, fmt::format("http://127.0.0.1:{}/", port));
    CHECK(reply.code == ErrorCode::refused);
    CHECK_THAT(reply.error, Contains(fmt::format("127.0.0.1:{}: Connection refused", port)) && Contains("running"));
  }
  SECTION("packets disappear") {
    RawListener hole(RawListener::Manner::full);
    const Reply reply = net.get(client, fmt::format("http://{}/", hole.target()));
    CHECK(reply.code == ErrorCode::timeout);
    CHECK_THAT(reply.error, Contains("no connection to " + hole.target() + " in time"));
  }
  SECTION("the name does not resolve") {
    const Reply reply = net.ask(client, {.url = "http://no-such-name.invalid/", .timeout = Duration{0}});
    CHECK((reply.code == ErrorCode::not_found || reply.code == ErrorCode::unavailable ||
           reply.code == ErrorCode::timeout));
    CHECK_THAT(reply.error, Contains("no-such-name.invalid"));
  }
  SECTION("the URL is none") {
    const Reply reply = net.get(client, "localhost/x");
    CHECK(reply.code == ErrorCode::invalid_argument);
    CHECK_THAT(reply.error, Contains("GET localhost/x: ") && Contains("http://"));
  }
  SECTION("a header would break out of its line") {
    const Reply reply = net.ask(client, {.url = "http://127.0.0.1:1/", .headers = {{"X", "a\r\nY: b"}}});
    CHECK(reply.code == ErrorCode::invalid_argument);
  }
  SECTION("the path of a local socket does not exist") {
    HttpClient local(net.loop, {.connect_to = "unix:/tmp/no-such-lgen-socket"});
    const Reply reply = net.get(local, "http://lgen/");
    CHECK(reply.code == ErrorCode::refused);
    CHECK_THAT(reply.error, Contains("unix:/tmp/no-such-lgen-socket"));
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("an answer that takes too long says how far it came") {
  struct Row {
    const char* bytes;
    const char* part;
  };
  for (const Row& row :
       {Row{"", "within 0.5 s, not a byte of it"}, Row{"HTTP/1.1 200", "only a part of its headers"},
        Row{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "only status 200 and 3 bytes of body"}}) {
    NetFixture net;
    ScriptedListener listener([&](int fd) {
      ScriptedListener::write(fd, row.bytes);  // before the request, so that it is there in time
      ScriptedListener::wait_closed(fd);
    });
    HttpClient client(net.loop);
    const Reply reply = net.ask(client, {.url = listener.url(), .timeout = 500ms});
    CHECK(reply.code == ErrorCode::timeout);
    CHECK_THAT(reply.error, Contains("no whole answer within 0.5 s") && Contains(row.part));
    CHECK(net.loop.open_handles() == 0);
  }
}

TEST_CASE("a kept connection that the server closes is not used again") {
  NetFixture net;
  ScriptedListener listener(answering_once("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
  HttpClient client(net.loop);
  CHECK(net.get(client, listener.url()).status == 200);
  net.until([&] { return client.idle_connections() == 0; });
  CHECK(net.get(client, listener.url()).status == 200);
  CHECK(client.connections() == 2);
}

TEST_CASE("a kept connection closed under a request is replaced once, for GET and HEAD only") {
  const std::string method = GENERATE(std::string("GET"), std::string("POST"));
  NetFixture net;
  ScriptedListener listener([](int fd) {  // the second request finds the door closing
    ScriptedListener::read_until(fd, "\r\n\r\n");
    ScriptedListener::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    ScriptedListener::read_until(fd, "\r\n\r\n");
  });
  HttpClient client(net.loop);
  CHECK(net.get(client, listener.url()).status == 200);
  const Reply reply = net.ask(client, {.method = method, .url = listener.url()});
  if (method == "GET") {
    CHECK(reply.status == 200);
    CHECK(reply.retried);
    CHECK_FALSE(reply.reused);
    CHECK(client.connections() == 2);
  } else {
    CHECK(reply.code == ErrorCode::closed);
    CHECK_FALSE(reply.retried);
  }
}

TEST_CASE("requests at the same time have connections of their own") {
  NetFixture net;
  HttpServer server(net.loop);
  server.on("GET", "/", [](const HttpQuestion&, HttpReply& reply) { reply.send({.body = "hi"}); });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  HttpClient client(net.loop, {.max_idle = 2});
  std::vector<Op> ops;
  int done = 0;
  for (int i = 0; i < 5; ++i) {
    ops.push_back(client.send({.url = server.url()}, [&](const HttpResult& result) {
      CHECK(result.ok());
      ++done;
    }));
  }
  net.until([&] { return done == 5; });
  CHECK(client.connections() == 5);
  CHECK(client.idle_connections() == 2);
}

TEST_CASE("every address of a name is tried") {
  NetFixture net;
  ScriptedListener listener(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));  // on 127.0.0.1 only
  HttpClient client(net.loop);
  const Reply reply = net.get(client, fmt::format("http://localhost:{}/", listener.port()));
  CHECK(reply.error == "");
  CHECK(reply.peer == fmt::format("127.0.0.1:{}", listener.port()));
}

TEST_CASE("connect_to leads elsewhere, the Host header stays") {
  NetFixture net;
  std::string seen;
  {
    ScriptedListener listener([&](int fd) {
      seen = ScriptedListener::read_until(fd, "\r\n\r\n");
      ScriptedListener::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    });
    HttpClient client(net.loop, {.connect_to = fmt::format("127.0.0.1:{}", listener.port())});
    CHECK(net.get(client, "http://grpc.example.com:8443/").status == 200);
  }
  CHECK_THAT(seen, Contains("Host: grpc.example.com:8443\r\n"));
}

TEST_CASE("a redirect keeps user and password at its place, and nothing of it goes elsewhere") {
  NetFixture net;
  std::string there;
  const auto answer = [&](int fd, const std::string& bytes) {
    there = ScriptedListener::read_until(fd, "\r\n\r\n");
    ScriptedListener::write(fd, "HTTP/1.1 " + bytes + "Content-Length: 0\r\nConnection: close\r\n\r\n");
  };
  ScriptedListener other([&](int fd) { answer(fd, "200 OK\r\n"); });
  const auto relative = [](const ScriptedListener&) { return std::string("next"); };
  const auto absolute = [](const ScriptedListener& self) { return self.url("/next"); };
  const auto elsewhere = [&](const ScriptedListener&) { return other.url("/next"); };
  const std::function<std::string(const ScriptedListener&)> rows[] = {relative, absolute, elsewhere};
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    bool first = true;
    const ScriptedListener* self = nullptr;
    ScriptedListener here([&](int fd) {
      const bool redirect = std::exchange(first, false);
      answer(fd, redirect ? "302 Found\r\nLocation: " + rows[i](*self) + "\r\n" : "200 OK\r\n");
    });
    self = &here;
    HttpClient client(net.loop, {.follow = 1});
    const std::string url = fmt::format("http://user:secret@127.0.0.1:{}/", here.port());
    const bool stays = i < 2;
    CAPTURE(i);
    const Reply reply = net.ask(client, {.url = url, .headers = {{"Host", "shop.example"}}});
    CHECK(reply.error == "");
    CHECK(reply.status == 200);
    CHECK(there.starts_with("GET /next "));
    CHECK((there.find("Authorization: Basic dXNlcjpzZWNyZXQ=\r\n") != std::string::npos) == stays);
    CHECK((there.find("Host: shop.example\r\n") != std::string::npos) == stays);
    if (!stays) CHECK_THAT(there, Contains(fmt::format("Host: {}\r\n", other.target())));
  }
}

TEST_CASE("a change of the protocol is an answer to who has asked for it, and the end of the connection") {
  NetFixture net;
  ScriptedListener listener(
      answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
  HttpClient client(net.loop);
  for (std::uint64_t i = 1; i <= 2; ++i) {
    const Reply reply =
        net.ask(client, {.url = listener.url(), .headers = {{"Connection", "Upgrade"}, {"upgrade", "websocket"}}});
    CHECK(reply.error == "");
    CHECK(reply.status == 101);
    CHECK(reply.header("upgrade") == "websocket");
    CHECK(client.connections() == i);
  }
  CHECK_THAT(net.get(client, listener.url()).error, Contains("which nobody has asked for"));
}

TEST_CASE("who has waited for a connection in vain has waited all the same") {
  NetFixture net;
  ScriptedListener listener([](int fd) { ScriptedListener::wait_closed(fd); });
  HttpClient client(net.loop, {.max_connections = 1});
  const Op holds = client.send({.url = listener.url()}, [](const HttpResult&) {});
  const bool cancelled = GENERATE(false, true);
  std::optional<Duration> queued, whole;
  std::string error;
  Op waits = client.send({.url = listener.url(), .timeout = cancelled ? Duration(30s) : Duration(20ms)},
                         [&](const HttpResult& result) {
                           queued = result.queued;
                           whole = result.timing.done - result.timing.started;
                           error = result.error ? result.error->message : "";
                           CHECK(result.timing.sent == TimePoint{});
                         });
  net.turns();
  if (cancelled) waits.cancel();
  net.until([&] { return queued.has_value(); });
  CHECK(*queued > Duration{0});
  CHECK(*queued == *whole);
  if (!cancelled) CHECK_THAT(error, Contains("nothing but a wait for one of max_connections"));
}

TEST_CASE("a request is cancelled or dropped at every stage") {
  const std::string stage = GENERATE(std::string("url"), std::string("resolve"), std::string("connect"),
                                     std::string("answer"), std::string("body"));
  const bool drop = GENERATE(false, true);
  CAPTURE(stage, drop);
  NetFixture net;
  RawListener hole(RawListener::Manner::full);
  ScriptedListener listener([&](int fd) {
    ScriptedListener::read_until(fd, "\r\n\r\n");
    if (stage == "body") ScriptedListener::write(fd, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx");
    ScriptedListener::wait_closed(fd);  // ends only when the connection is really let go
  });
  {
    HttpClient client(net.loop);
    std::string url = listener.url();
    if (stage == "url") url = "nonsense";
    if (stage == "resolve") url = "http://localhost:1/";
    if (stage == "connect") url = fmt::format("http://{}/", hole.target());
    int done = 0;
    std::string error;
    Op op = client.send({.url = url}, [&](const HttpResult& result) {
      ++done;
      if (result.error) error = result.error->message;
    });
    if (stage == "answer" || stage == "body") net.until([&] { return client.connections() == 1; });
    if (stage == "connect" || stage == "body") net.turns();
    if (drop) {
      op.reset();
      net.turns();
      CHECK(done == 0);
    } else {
      op.cancel();
      CHECK(done == 0);
      net.until([&] { return done == 1; });
      if (stage != "url") CHECK_THAT(error, Contains("cancelled"));
      op.cancel();  // harmless
      net.turns();
      CHECK(done == 1);
    }
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("an operation and its client may be dropped inside the completion") {
  NetFixture net;
  ScriptedListener listener(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
  auto client = std::make_unique<HttpClient>(net.loop);
  bool done = false;
  Op op;
  op = client->send({.url = listener.url()}, [&](const HttpResult& result) {
    client.reset();
    op.reset();
    CHECK(result.body == "hi");
    done = true;
  });
  net.until([&] { return done; });
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("a request outlives its client") {
  NetFixture net;
  ScriptedListener listener(answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"));
  bool done = false;
  Op op;
  {
    HttpClient client(net.loop);
    op = client.send({.url = listener.url()}, [&](const HttpResult& result) { done = result.ok(); });
  }
  net.until([&] { return done; });
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("a large body goes out while the answer is waited for") {
  NetFixture net;
  HttpServer server(net.loop, {.max_body = 64 << 20});
  server.on("POST", "/", [](const HttpQuestion& question, HttpReply& reply) {
    reply.send({.body = std::string(question.body), .content_type = "application/octet-stream"});
  });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  HttpClient client(net.loop);
  std::string body(20 << 20, '\0');
  for (std::size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 2654435761U >> 13);
  const Reply reply = net.ask(client, {.method = "POST", .url = server.url(), .body = body});
  CHECK(reply.error == "");
  CHECK(reply.body == body);
}
