// Expect: 100-continue against servers that ask for the body, refuse it, or have never heard of asking.
#include <fmt/format.h>

#include "h2_peer.h"
#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

constexpr Duration kLong = 1h;  // a body sent for lack of an answer would be seen as none
const std::string kBody = "the body";

HttpRequest upload(const std::string& url, const std::string& body = kBody) {
  return {.method = "POST", .url = url, .headers = {{"expect", "100-Continue"}}, .body = body};
}

std::string answer(int status) {
  return fmt::format("HTTP/1.1 {} Said\r\nContent-Length: {}\r\n\r\n{}", status, 2, "hi");
}

/// What comes until the other side closes.
std::string rest(int fd) {
  std::string text;
  char c = 0;
  while (::recv(fd, &c, 1, 0) == 1) text += c;
  return text;
}

}  // namespace

TEST_CASE("the body is sent when the server asks for it, and the connection kept") {
  const std::string before = GENERATE(std::string(), std::string("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"));
  const std::size_t piece = GENERATE(1, 1000);
  NetFixture net;
  ScriptedListener listener([&](int fd) {
    for (int i = 0; i < 2; ++i) {
      const std::string head = ScriptedListener::read_until(fd, "\r\n\r\n");
      if (head.find("Content-Length: 8\r\n") == std::string::npos) return;
      const std::string ask = before + "HTTP/1.1 100 Continue\r\n\r\n";
      for (std::size_t at = 0; at < ask.size(); at += piece) ScriptedListener::write(fd, ask.substr(at, piece));
      if (ScriptedListener::read_until(fd, kBody) != kBody) return;
      ScriptedListener::write(fd, answer(200));
    }
  });
  HttpClient client(net.loop, {.expect_timeout = kLong});
  for (int i = 0; i < 2; ++i) {
    const Reply reply = net.ask(client, upload(listener.url()));
    CHECK(reply.error == "");
    CHECK(reply.status == 200);
  }
  CHECK(client.connections() == 1);
}

TEST_CASE("a final status without asking is the answer: the body is never sent") {
  struct Row {
    int status;
    std::string bytes;
  };
  for (const Row& row : {Row{417, answer(417)}, Row{401, answer(401)}, Row{200, answer(200)},
                         Row{403, "HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"},
                         Row{503, "HTTP/1.1 103 Early Hints\r\n\r\n" + answer(503)},
                         Row{200, "HTTP/1.1 100 Continue\r\n\r\n" + answer(200)}}) {
    CAPTURE(row.bytes);
    NetFixture net;
    std::string after = "not closed";
    {
      ScriptedListener listener([&](int fd) {
        const std::string head = ScriptedListener::read_until(fd, "\r\n\r\n");
        ScriptedListener::write(fd, row.bytes);
        if (head.starts_with("POST")) after = rest(fd);
      });
      HttpClient client(net.loop, {.expect_timeout = kLong});
      const Reply reply = net.ask(client, upload(listener.url()));
      CHECK(reply.error == "");
      CHECK(reply.status == row.status);
      CHECK(reply.body == "hi");
      CHECK(client.idle_connections() == 0);
      CHECK(net.get(client, listener.url()).status == row.status);  // on a connection of its own
      CHECK(client.connections() == 2);
    }
    CHECK(after == "");
  }
}

TEST_CASE("a server that says nothing gets the body after a while") {
  NetFixture net;
  ScriptedListener listener([&](int fd) {
    ScriptedListener::read_until(fd, "\r\n\r\n");
    ScriptedListener::read_until(fd, kBody);
    ScriptedListener::write(fd, answer(200));
  });
  HttpClient client(net.loop, {.expect_timeout = 5ms});
  const Reply reply = net.ask(client, upload(listener.url()));
  CHECK(reply.error == "");
  CHECK(reply.status == 200);
}

TEST_CASE("a refusal that is still coming when the patience ends keeps the body back") {
  NetFixture net;
  std::string after = "not closed";
  {
    ScriptedListener listener([&](int fd) {
      ScriptedListener::read_until(fd, "\r\n\r\n");
      ScriptedListener::write(fd, "HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nh");
      after = rest(fd);
    });
    HttpClient client(net.loop, {.timeout = 100ms, .expect_timeout = 20ms});
    CHECK(net.ask(client, upload(listener.url())).code == ErrorCode::timeout);
  }
  CHECK(after == "");
}

TEST_CASE("a connection lost before the server has asked says so, and nothing is left") {
  NetFixture net;
  ScriptedListener listener([](int fd) { ScriptedListener::read_until(fd, "\r\n\r\n"); });
  {
    HttpClient client(net.loop, {.expect_timeout = kLong});
    const Reply reply = net.ask(client, upload(listener.url()));
    CHECK(reply.code == ErrorCode::closed);
    CHECK_THAT(reply.error, Contains("without an answer"));
    Op op = client.send(upload(listener.url()), [](const HttpResult&) { FAIL("dropped before"); });
    op.reset();
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("nothing is expected where there is no body") {
  NetFixture net;
  std::string seen;
  {
    ScriptedListener listener([&](int fd) {
      seen += ScriptedListener::read_until(fd, "\r\n\r\n");
      ScriptedListener::write(fd, "HTTP/1.1 307 There\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n");
      seen += ScriptedListener::read_until(fd, "\r\n\r\n");
      ScriptedListener::write(fd, answer(200));
    });
    HttpClient client(net.loop, {.follow = 1, .expect_timeout = kLong});
    CHECK(net.ask(client, upload(listener.url(), "")).status == 200);
  }
  CHECK_THAT(seen, Contains("Content-Length: 0\r\n") && !Contains("100-", Catch::CaseSensitive::No));
}

namespace {

/// The next frame that is none of the connection's own; nothing: the client has gone.
std::optional<H2Peer::Frame> next_of_stream(H2Peer& peer) {
  while (auto frame = peer.read_frame()) {
    if (frame->stream != 0) return frame;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("over HTTP/2 the body waits as well") {
  enum class Server { asks, refuses, silent };
  const Server server = GENERATE(Server::asks, Server::refuses, Server::silent);
  NetFixture net;
  H2Peer::Request first, second;
  std::string body;
  std::optional<H2Peer::Frame> after;
  {
    ScriptedListener listener([&](int fd) {
      H2Peer peer(fd);
      peer.greet();
      const H2Peer::Request request = first = peer.next_request(false);
      if (server == Server::asks) peer.headers(request.stream, {{":status", "103"}, {"link", "</a>"}});
      if (server == Server::asks) peer.headers(request.stream, {{":status", "100"}});
      if (server != Server::refuses) body = peer.next_request().body;
      peer.headers(request.stream, {{":status", server == Server::refuses ? "417" : "200"}}, true);
      if (server == Server::refuses) after = next_of_stream(peer);
      second = peer.next_request();
      peer.headers(second.stream, {{":status", "204"}}, true);
      peer.wait_closed();
    });
    HttpClient client(net.loop,
                      {.version = HttpVersion::two, .expect_timeout = server == Server::silent ? 5ms : kLong});
    const Reply reply = net.ask(client, upload(listener.url()));
    CHECK(reply.error == "");
    CHECK(reply.status == (server == Server::refuses ? 417 : 200));
    CHECK(net.ask(client, upload(listener.url(), "")).status == 204);
    CHECK(client.connections() == 1);
  }
  CHECK(first.field("expect") == "100-Continue");
  CHECK(first.field("content-length") == "8");
  CHECK(second.field("expect") == "");
  CHECK(body == (server == Server::refuses ? "" : kBody));
  if (server != Server::refuses) return;
  REQUIRE(after);
  CHECK(after->type == NGHTTP2_RST_STREAM);
}
