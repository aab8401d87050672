// Our client and server against Python's: what two programs of the same author agree on proves little.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <future>

#include "folder.h"
#include "lgen/http_server.h"
#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;

namespace {

/// What a Python script prints.
std::string python(const std::string& path, const std::string& argument) {
  std::FILE* pipe = ::popen(fmt::format("/usr/bin/python3 -B {} {} 2>&1", path, argument).c_str(), "re");
  std::string text;
  for (int c; (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  ::pclose(pipe);
  return text;
}

}  // namespace

TEST_CASE("Python's client understands our server") {
  const Folder folder;
  const std::string script = folder.path("client.py");
  std::ofstream(script) << R"(
import gzip, http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=20)
for _ in range(100):
    connection.request("GET", "/page", headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = gzip.decompress(answer.read())
    assert answer.status == 200 and body == b"x" * 5000, (answer.status, len(body))
connection.request("HEAD", "/page")
answer = connection.getresponse()
assert answer.read() == b"" and answer.getheader("Content-Length") == "5000", answer.headers
connection.request("POST", "/echo", body=iter([b"one", b"two"]), encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
answer = connection.getresponse()
assert answer.read() == b"onetwo"
connection.request("GET", "/events")
answer = connection.getresponse()
assert answer.read() == b"data: 1\n\ndata: 2\n\n"
print("understood")
)";
  NetFixture net;
  HttpServer server(net.loop);
  server.on("GET", "/page",
            [](const HttpQuestion&, HttpReply& reply) { reply.send({.body = std::string(5000, 'x')}); });
  server.on("POST", "/echo",
            [](const HttpQuestion& question, HttpReply& reply) { reply.send({.body = std::string(question.body)}); });
  server.on("GET", "/events", [&](const HttpQuestion&, HttpReply& reply) {
    const auto stream = reply.stream({.content_type = "text/event-stream"});
    stream->write("data: 1\n\n");
    stream->write("data: 2\n\n");
  });
  REQUIRE(server.listen("127.0.0.1:0").ok());
  bool ended = false;
  auto client = std::async(std::launch::async, [&] {
    const std::string said = python(script, server.address());
    net.loop.wake([&] { ended = true; });
    return said;
  });
  net.loop.run_until([&] { return ended; });
  CHECK(client.get() == "understood\n");
}

TEST_CASE("our client understands Python's server") {
  const Folder folder;
  const std::string script = folder.path("server.py");
  std::ofstream(script) << R"(
import gzip, http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def answer(self, body, *headers):
        self.send_response(200)
        for header in headers: self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        if self.path == "/chunked":
            self.answer(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n", ("Transfer-Encoding", "chunked"))
        elif self.path == "/gzip":
            body = gzip.compress(b"y" * 100000)
            self.answer(body, ("Content-Encoding", "gzip"), ("Content-Length", len(body)))
        elif self.path == "/end":
            self.answer(b"last", ("Connection", "close"))
    do_HEAD = lambda self: self.answer(b"", ("Content-Length", 7))
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(body, ("Content-Length", len(body)))
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.handle_request()
)";
  std::FILE* program = ::popen(("/usr/bin/python3 -B " + script).c_str(), "re");
  int port = 0;
  REQUIRE(std::fscanf(program, "%d", &port) == 1);
  {
    NetFixture net;
    HttpClient client(net.loop);
    const std::string url = fmt::format("http://127.0.0.1:{}", port);
    for (int i = 0; i < 3; ++i) {
      CHECK(net.get(client, url + "/chunked").body == "onetwo");
      CHECK(net.get(client, url + "/gzip").body == std::string(100'000, 'y'));
      CHECK(net.ask(client, {.method = "HEAD", .url = url}).header("content-length") == "7");
      CHECK(net.ask(client, {.method = "POST", .url = url, .body = "payload"}).body == "payload");
    }
    const Reply last = net.get(client, url + "/end");
    CHECK(last.error == "");
    CHECK(last.body == "last");
    CHECK(client.connections() == 1);
    CHECK(client.idle_connections() == 0);
  }
  ::pclose(program);
}
