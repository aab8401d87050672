#include "lgen/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <filesystem>

#include "net_fixture.h"
#include "raw_client.h"

using namespace lgen;
using namespace lgen::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

namespace {

void serve(HttpServer& server, const std::string& address = "127.0.0.1:0") {
  server.on("GET", "/", [](const HttpQuestion&, HttpReply& reply) { reply.send({.body = "hi"}); });
  const Outcome listening = server.listen(address);
  if (!listening) FAIL(listening.error().message);
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++found;
  return found;
}

}  // namespace

TEST_CASE("a handler sees the question and answers it, in both modes of the loop") {
  const bool inverted = GENERATE(false, true);
  NetFixture net(inverted);
  {
    HttpServer server(net.loop);
    server.on("POST", "/a b", [](const HttpQuestion& question, HttpReply& reply) {
      reply.send({.status = 201,
                  .body = fmt::format("{} {} {} {} {}", question.method, question.path, question.query, question.body,
                                      find_header(*question.headers, "x-one").value_or("")),
                  .content_type = "text/html",
                  .headers = {{"X-Two", "2"}, {"X-Bad\r\n", "3"}}});
    });
    REQUIRE(server.listen("127.0.0.1:0").ok());
    CHECK(server.address() == fmt::format("127.0.0.1:{}", server.port()));
    CHECK(server.url() == "http://" + server.address());
    HttpClient client(net.loop);
    const Reply reply = net.ask(
        client, {.method = "POST", .url = server.url() + "/a%20b?x=%201", .headers = {{"X-One", "1"}}, .body = "data"});
    CHECK(reply.error == "");
    CHECK(reply.status == 201);
    CHECK(reply.reason == "Created");
    CHECK(reply.body == "POST /a b x=%201 data 1");
    CHECK(reply.header("content-type") == "text/html");
    CHECK(reply.header("x-two") == "2");
    CHECK(reply.header("date").ends_with(" GMT"));
    CHECK(server.connections() == 1);
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("a thousand requests go over one connection to the server") {
  NetFixture net;
  HttpServer server(net.loop);
  serve(server);
  HttpClient client(net.loop);
  for (int i = 0; i < 1000; ++i) REQUIRE(net.get(client, server.url()).body == "hi");
  CHECK(client.connections() == 1);
}

TEST_CASE("what is not there, not allowed or not answered is told") {
  NetFixture net;
  HttpServer server(net.loop);
  serve(server);
  server.on("GET", "/silent", [](const HttpQuestion&, HttpReply&) {});
  HttpClient client(net.loop);
  Reply reply = net.get(client, server.url() + "/x");
  CHECK(reply.status == 404);
  CHECK(reply.body == "there is no /x here; there is /, /silent\n");
  reply = net.ask(client, {.method = "POST", .url = server.url()});
  CHECK(reply.status == 405);
  CHECK(reply.header("allow") == "GET, HEAD");
  CHECK(net.get(client, server.url() + "/silent").status == 500);
  CHECK(net.get(client, server.url() + "/%zz").status == 400);
  reply = net.ask(client, {.method = "HEAD", .url = server.url()});
  CHECK(reply.status == 200);
  CHECK(reply.header("content-length") == "2");
  CHECK(reply.body.empty());
}

TEST_CASE("a long text is packed for those who like it") {
  NetFixture net;
  HttpServer server(net.loop);
  const std::string page(10'000, 'x');
  server.on("GET", "/text", [&](const HttpQuestion&, HttpReply& reply) { reply.send({.body = page}); });
  server.on("GET", "/image",
            [&](const HttpQuestion&, HttpReply& reply) { reply.send({.body = page, .content_type = "image/png"}); });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  HttpClient client(net.loop);
  struct Row {
    const char* path;
    const char* accept;
    bool packed;
  };
  for (const Row& row : {Row{"/text", "gzip", true}, Row{"/text", "br, GZIP;q=0.5", true}, Row{"/text", "*", true},
                         Row{"/text", "gzip;q=0", false}, Row{"/text", "identity", false}, Row{"/text", "", false},
                         Row{"/image", "gzip", false}}) {
    CAPTURE(row.path, row.accept);
    const Reply reply = net.ask(client, {.url = server.url() + row.path, .headers = {{"Accept-Encoding", row.accept}}});
    CHECK((reply.header("content-encoding") == "gzip") == row.packed);
    CHECK((reply.header("content-length") == "10000") != row.packed);
    CHECK(reply.body == page);
  }
}

TEST_CASE("requests behind each other, in one byte pieces, old and half-closed clients are served") {
  NetFixture net;
  HttpServer server(net.loop);
  serve(server);
  const std::string get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  SECTION("pipelined") {
    RawClient client(server);
    client.send(get + get + get);
    until(net, [&] { return client.read(), count(client.text, "\r\n\r\nhi") == 3; });
    CHECK_FALSE(client.closed());
  }
  SECTION("byte by byte") {
    RawClient client(server);
    for (const char c : get) {
      client.send(std::string(1, c));
      net.turns(2);
    }
    until(net, [&] { return client.has("\r\n\r\nhi"); });
  }
  SECTION("HTTP/1.0") {
    RawClient client(server);
    client.send("GET / HTTP/1.0\r\n\r\n");
    until(net, [&] { return client.closed(); });
    CHECK_THAT(client.text, Contains("Connection: close\r\n") && Contains("\r\n\r\nhi"));
  }
  SECTION("half-closed behind the request") {
    RawClient client(server);
    client.send(get);
    client.half_close();
    until(net, [&] { return client.closed(); });
    CHECK_THAT(client.text, Contains("\r\n\r\nhi"));
  }
  SECTION("asking before the body") {
    server.on("POST", "/",
              [](const HttpQuestion& question, HttpReply& reply) { reply.send({.body = std::string(question.body)}); });
    RawClient client(server);
    client.send("POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    until(net, [&] { return client.has("HTTP/1.1 100 Continue\r\n\r\n"); });
    client.send("abc");
    until(net, [&] { return client.has("\r\n\r\nabc"); });
  }
  SECTION("the address in the request line") {
    RawClient client(server);
    client.send("GET http://a HTTP/1.1\r\n\r\n");
    until(net, [&] { return client.has("\r\n\r\nhi"); });
  }
}

TEST_CASE("requests beyond the limits are refused with the reason, and the connection closed") {
  struct Row {
    const char* what;
    std::string bytes;
    int status;
  };
  const Row rows[] = {
      {"garbage", "\x16\x03\x01\x02hello\r\n\r\n", 400},
      {"endless headers", "GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'), 431},
      {"an endless path", "GET /" + std::string(20'000, 'x'), 431},
      {"a body announced too long", "POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n", 413},
      {"chunks too long", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + std::string(1001, 'x'), 413},
      {"both lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    NetFixture net;
    HttpServer server(net.loop, {.max_body = 1000});
    serve(server);
    RawClient client(server);
    client.send(row.bytes);
    until(net, [&] { return client.closed(); });
    CHECK_THAT(client.text, StartsWith(fmt::format("HTTP/1.1 {} ", row.status)));
    client.close();
    until(net, [&] { return server.connections() == 0; });
  }
}

TEST_CASE("a request that trickles is cut off; an idle connection closed") {
  NetFixture net;
  HttpServer server(net.loop, {.request_timeout = 200ms, .idle_timeout = 200ms});
  serve(server);
  RawClient slow(server);
  slow.send("GET / HTTP/1.1\r\nX: ");
  until(net, [&] { return slow.closed(); });
  CHECK_THAT(slow.text, StartsWith("HTTP/1.1 408 "));
  slow.close();
  RawClient silent(server);
  until(net, [&] { return silent.closed(); });
  CHECK(silent.text.empty());
  RawClient idle(server);
  idle.send("GET / HTTP/1.1\r\n\r\n");
  until(net, [&] { return idle.closed(); });
  CHECK_THAT(idle.text, Contains("\r\n\r\nhi"));
  idle.close();
  until(net, [&] { return server.connections() == 0; });
}

TEST_CASE("a client that reads nothing is not read from, and in the end let go") {
  NetFixture net;
  HttpServer server(net.loop, {.idle_timeout = 100ms});
  int asked = 0;
  server.on("GET", "/", [&](const HttpQuestion&, HttpReply& reply) {
    ++asked;
    reply.send({.body = std::string(1 << 20, 'x'), .content_type = "image/png"});
  });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  RawClient client(server, 4096);
  std::string requests;
  for (int i = 0; i < 200; ++i) requests += "GET / HTTP/1.1\r\n\r\n";
  client.send(requests);
  until(net, [&] { return asked > 0 && server.connections() == 0; });
  CHECK(asked < 20);
}

TEST_CASE("a slow client gets everything all the same") {
  NetFixture net;
  HttpServer server(net.loop);
  server.on("GET", "/", [&](const HttpQuestion&, HttpReply& reply) {
    reply.send({.body = std::string(3 << 20, 'x'), .content_type = "image/png"});
  });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  RawClient client(server, 4096);
  for (int i = 0; i < 5; ++i) client.send("GET / HTTP/1.1\r\n\r\n");
  client.half_close();
  until(net, [&] { return client.closed(); });
  CHECK(count(client.text, "HTTP/1.1 200 OK\r\n") == 5);
  CHECK(count(client.text, "x") == std::size_t{5} * (3 << 20));
}

TEST_CASE("large answers to requests behind each other all come") {
  NetFixture net;
  HttpServer server(net.loop);
  server.on("GET", "/", [&](const HttpQuestion&, HttpReply& reply) {
    reply.send({.body = std::string(600 << 10, 'x'), .content_type = "image/png"});
  });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  RawClient client(server, 8 << 20);  // the system takes it all at once
  std::string requests;
  for (int i = 0; i < 6; ++i) requests += "GET / HTTP/1.1\r\n\r\n";
  client.send(requests);
  until(net, [&] { return client.read(), count(client.text, "x") == std::size_t{6} * (600 << 10); });
}

TEST_CASE("one connection too many is turned away with a word") {
  NetFixture net;
  HttpServer server(net.loop, {.max_connections = 2});
  serve(server);
  RawClient a(server);
  RawClient b(server);
  until(net, [&] { return server.connections() == 2; });
  RawClient c(server);
  until(net, [&] { return c.closed(); });
  CHECK_THAT(c.text, StartsWith("HTTP/1.1 503 ") && Contains("2 connections are open"));
  a.close();
  c.close();
  until(net, [&] { return server.connections() == 1; });
  RawClient d(server);
  d.send("GET / HTTP/1.1\r\n\r\n");
  until(net, [&] { return d.has("\r\n\r\nhi"); });
}

namespace {

/// A server with one page that stays open.
struct Streaming {
  explicit Streaming(NetFixture& fixture, HttpServerOptions options = {}) : net(fixture), server(net.loop, options) {
    server.on("GET", "/events", [this](const HttpQuestion&, HttpReply& reply) {
      stream = reply.stream({.body = "retry: 1\n\n", .content_type = "text/event-stream"});
      stream->on_closed([this] { ++closed; });
    });
    REQUIRE(server.listen("127.0.0.1:0").ok());
  }
  NetFixture& net;
  std::unique_ptr<HttpStream> stream;
  int closed = 0;
  HttpServer server;
};

}  // namespace

TEST_CASE("an answer stays open, takes what comes, and ends with its stream") {
  const bool inverted = GENERATE(false, true);
  NetFixture net(inverted);
  {
    Streaming page(net);
    RawClient client(page.server);
    client.send("GET /events HTTP/1.1\r\n\r\n");
    until(net, [&] { return client.has("a\r\nretry: 1\n\n\r\n"); });
    CHECK_THAT(client.text,
               Contains("Content-Type: text/event-stream\r\n") && Contains("Transfer-Encoding: chunked\r\n"));
    CHECK(page.stream->write("data: 1\n\n") == HttpStream::Sent::accepted);
    CHECK(page.stream->write("") == HttpStream::Sent::accepted);
    CHECK(page.stream->write("data: 2\n\n") == HttpStream::Sent::accepted);
    until(net, [&] { return client.has("9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n"); });
    CHECK_FALSE(page.stream->closed());
    page.stream.reset();
    until(net, [&] { return client.closed(); });
    CHECK(client.text.ends_with("0\r\n\r\n"));
    CHECK(page.closed == 0);  // it was us
    client.close();
    until(net, [&] { return page.server.connections() == 0; });
  }
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("our own client reads an open answer to its end") {
  NetFixture net;
  Streaming page(net);
  HttpClient client(net.loop);
  std::optional<Reply> reply;
  const Op op = client.send({.url = page.server.url() + "/events"}, [&](const HttpResult& r) { reply = copy_of(r); });
  net.until([&] { return page.stream != nullptr; });
  page.stream->write("data: 1\n\n");
  page.stream.reset();
  net.until([&] { return reply.has_value(); });
  CHECK(reply->body == "retry: 1\n\ndata: 1\n\n");
  CHECK(client.idle_connections() == 0);
}

TEST_CASE("a reader that goes away is told once") {
  NetFixture net;
  Streaming page(net);
  RawClient client(page.server);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  until(net, [&] { return client.has("retry"); });
  SECTION("and the stream may be destroyed in it") {
    page.stream->on_closed([&] {
      page.stream.reset();
      ++page.closed;
    });
  }
  client.close();
  until(net, [&] { return page.closed == 1; });
  if (page.stream) CHECK(page.stream->write("x") == HttpStream::Sent::closed);
  CHECK(page.server.connections() == 0);
}

TEST_CASE("what does not fit into a slow reader's buffer is dropped for it and told") {
  NetFixture net;
  Streaming page(net, {.stream_buffer = 10'000});
  RawClient client(page.server, 4096);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  until(net, [&] { return client.has("retry"); });
  const std::string event = "data: " + std::string(50'000, 'x') + "\n\n";
  std::uint64_t accepted = 0;
  while (page.stream->write(event) == HttpStream::Sent::accepted) {
    ++accepted;
    net.turns(2);
  }
  CHECK(accepted >= 1);  // an empty buffer takes any size
  CHECK(page.stream->dropped() == 1);
  until(net,
        [&] { return client.read(), count(client.text, "data: ") == accepted && client.text.ends_with("\n\n\r\n"); });
  net.turns();
  CHECK(page.stream->write(event) == HttpStream::Sent::accepted);  // and goes on
  until(net, [&] { return client.read(), count(client.text, "data: ") == accepted + 1; });
}

TEST_CASE("a reader that takes nothing any more is let go") {
  NetFixture net;
  Streaming page(net, {.idle_timeout = 200ms, .stream_buffer = 10'000});
  RawClient client(page.server, 4096);
  client.send("GET /events HTTP/1.1\r\n\r\n");
  until(net, [&] { return client.has("retry"); });
  while (page.stream->write(std::string(50'000, 'x')) == HttpStream::Sent::accepted) net.turns(2);
  until(net, [&] { return page.closed == 1; });
}

TEST_CASE("old clients and HEAD get an open answer in their own way") {
  NetFixture net;
  Streaming page(net);
  RawClient old(page.server);
  old.send("GET /events HTTP/1.0\r\n\r\n");
  until(net, [&] { return old.has("\r\n\r\nretry: 1\n\n"); });
  CHECK_THAT(old.text, !Contains("chunked"));
  page.stream.reset();
  until(net, [&] { return old.closed(); });
  RawClient head(page.server);
  head.send("HEAD /events HTTP/1.1\r\n\r\n");
  until(net, [&] { return head.closed(); });
  CHECK_THAT(head.text, StartsWith("HTTP/1.1 200 ") && !Contains("retry"));
  CHECK(page.stream->closed());
}

TEST_CASE("close() lets answers finish and frees the address at once") {
  NetFixture net;
  Streaming page(net);
  RawClient idle(page.server);
  RawClient reader(page.server);
  reader.send("GET /events HTTP/1.1\r\n\r\n");
  until(net, [&] { return reader.has("retry") && page.server.connections() == 2; });
  page.server.close();
  HttpServer next(net.loop);
  serve(next, page.server.address());
  until(net, [&] { return idle.closed(); });
  CHECK_FALSE(reader.closed());
  page.stream->write("last words");
  page.stream.reset();
  until(net, [&] { return reader.closed(); });
  CHECK_THAT(reader.text, Contains("last words"));
}

TEST_CASE("a server may be destroyed by its own handler, and before its streams") {
  NetFixture net;
  auto server = std::make_unique<HttpServer>(net.loop);
  std::unique_ptr<HttpStream> stream;
  server->on("GET", "/stream", [&](const HttpQuestion&, HttpReply& reply) { stream = reply.stream({.body = "x"}); });
  server->on("GET", "/stop", [&](const HttpQuestion&, HttpReply& reply) {
    reply.send({.body = "bye"});
    server.reset();
  });
  REQUIRE(server->listen("127.0.0.1:0").ok());
  RawClient reader(*server);
  reader.send("GET /stream HTTP/1.1\r\n\r\n");
  until(net, [&] { return reader.has("\r\nx\r\n"); });
  RawClient client(*server);
  client.send("GET /stop HTTP/1.1\r\n\r\nGET /stop HTTP/1.1\r\n\r\n");
  until(net, [&] { return client.closed() && reader.closed(); });
  CHECK_THAT(client.text, Contains("bye"));
  CHECK(stream->closed());
  CHECK(stream->write("x") == HttpStream::Sent::closed);
  CHECK(net.loop.open_handles() == 0);
}

TEST_CASE("an address is where it says, and a bad one says what to write") {
  NetFixture net;
  struct Row {
    const char* text;
    const char* begins;
    const char* url;
  };
  for (const Row& row :
       {Row{":0", "127.0.0.1:", "http://127.0.0.1:"}, Row{"0", "127.0.0.1:", "http://127.0.0.1:"},
        Row{"localhost:0", "127.0.0.1:", "http://127.0.0.1:"}, Row{"[::1]:0", "[::1]:", "http://[::1]:"},
        Row{"0.0.0.0:0", "0.0.0.0:", "http://127.0.0.1:"}, Row{"*:0", "0.0.0.0:", "http://127.0.0.1:"},
        Row{"[::]:0", "[::]:", "http://[::1]:"}, Row{"127.0.0.2:0", "127.0.0.2:", "http://127.0.0.2:"}}) {
    CAPTURE(row.text);
    HttpServer server(net.loop);
    serve(server, row.text);
    CHECK_THAT(server.address(), StartsWith(row.begins));
    CHECK(server.url() == row.url + std::to_string(server.port()));
    HttpClient client(net.loop);
    CHECK(net.get(client, server.url()).body == "hi");
  }
  for (const char* text : {"", "nonsense", "example.com:80", "127.0.0.1:x", "127.0.0.1:65536", "::1:80"}) {
    CAPTURE(text);
    HttpServer server(net.loop);
    const Outcome outcome = server.listen(text);
    REQUIRE_FALSE(outcome.ok());
    CHECK(outcome.error().code == ErrorCode::invalid_argument);
    CHECK_THAT(outcome.error().message, Contains("127.0.0.1") || Contains("0.0.0.0:5665"));
  }
  HttpServer server(net.loop);
  const Outcome foreign = server.listen("192.0.2.1:0");
  REQUIRE_FALSE(foreign.ok());
  CHECK_THAT(foreign.error().message, Contains("no such address"));
}

TEST_CASE("a port in use is told with the address and what to do") {
  NetFixture net;
  HttpServer first(net.loop);
  serve(first);
  HttpServer second(net.loop);
  const Outcome outcome = second.listen(first.address());
  REQUIRE_FALSE(outcome.ok());
  CHECK_THAT(outcome.error().message,
             StartsWith("cannot listen on " + first.address() + ": it is in use") && Contains("ss -ltnp"));
  CHECK_FALSE(first.listen("127.0.0.1:0").ok());
}

TEST_CASE("a local socket belongs to its owner, survives a crash of the last one, and goes away") {
  NetFixture net;
  char directory[] = "/tmp/lgen-net-XXXXXX";
  REQUIRE(mkdtemp(directory) != nullptr);
  const std::string path = std::string(directory) + "/control.sock";
  {  // left behind by a process that is gone
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    ::close(fd);
  }
  {
    HttpServer server(net.loop);
    serve(server, "unix:" + path);
    CHECK(server.address() == "unix:" + path);
    CHECK(server.port() == 0);
    struct stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
    HttpClient client(net.loop, {.connect_to = "unix:" + path});
    const Reply reply = net.get(client, "http://lgen/");
    CHECK(reply.error == "");
    CHECK(reply.body == "hi");
    HttpServer second(net.loop);
    const Outcome outcome = second.listen(path);
    REQUIRE_FALSE(outcome.ok());
    CHECK_THAT(outcome.error().message, Contains("in use"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  HttpServer server(net.loop);
  CHECK_FALSE(server.listen("/tmp/" + std::string(200, 'x')).ok());
  std::filesystem::remove_all(directory);
}
