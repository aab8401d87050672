// What a request of an HttpClient takes from the heap once everything is warm: nothing. A program of its own, because
// it counts every operator new of the loop's thread.
#include "count_allocations.h"
#include "h2_peer.h"
#include "net_fixture.h"

using namespace lgen;
using namespace lgen::test;

namespace {

const std::string kBody = "a body that is longer than what a small string has room for";

/// Asks one after another, each from within the end of the last.
struct Asker {
  Asker(HttpClient& with, const std::shared_ptr<const HttpPrepared>& what) : client(with), request(what) {}
  void ask() {
    op = client.send(request, {.body = body, .timeout = {}, .intended = {}}, [this](const HttpResult& result) {
      const bool fine = result.ok() && result.body == kBody && find_header(*result.headers, "x-backend") == "pod-1";
      if (!fine) ++failed;
      if (++done < wanted) ask();
    });
  }
  HttpClient& client;
  std::shared_ptr<const HttpPrepared> request;
  std::string_view body;
  Op op;
  int done = 0, wanted = 0, failed = 0;
};

/// What `client` takes from the heap for 8,000 requests, eight of them at a time.
std::size_t heap_for_requests(NetFixture& net, HttpClient& client, const HttpRequest& request) {
  const auto ready = client.prepare(request);
  if (!ready) FAIL(ready.error().message);
  std::vector<std::unique_ptr<Asker>> askers;
  for (int i = 0; i < 8; ++i) {
    askers.push_back(std::make_unique<Asker>(client, *ready));
    askers.back()->body = request.body;
  }
  const auto all = [&](int wanted) {
    for (const auto& asker : askers) {
      asker->wanted = wanted;
      asker->ask();
    }
    net.until([&] {
      return std::all_of(askers.begin(), askers.end(), [&](const auto& asker) { return asker->done >= wanted; });
    });
  };
  all(200);
  const std::size_t before = allocations;
  all(1200);
  const std::size_t taken = allocations - before;
  for (const auto& asker : askers) CHECK(asker->failed == 0);
  return taken;
}

// The test's own waiting takes a handful, however many requests there are.
constexpr std::size_t kHandful = 20;

}  // namespace

TEST_CASE("a request over HTTP/1.1 takes nothing from the heap") {
  const std::string method = GENERATE(as<std::string>{}, "GET", "POST");
  CAPTURE(method);
  NetFixture net;
  ScriptedListener listener([&](int fd) {
    const std::string end = method == "GET" ? "\r\n\r\n" : "the end";
    const std::string head = "HTTP/1.1 200 OK\r\nX-Backend: pod-1\r\nContent-Length: ";
    const std::string answer = head + std::to_string(kBody.size()) + "\r\n\r\n" + kBody;
    while (ScriptedListener::read_until(fd, end).ends_with(end)) ScriptedListener::write(fd, answer);
  });
  HttpClientOptions options;
  options.max_connections = 1;  // so that seven wait for their turn
  HttpClient client(net.loop, options);
  const std::string body = method == "GET" ? "" : "from here to the end";
  CHECK(heap_for_requests(net, client, {.method = method, .url = listener.url(), .headers = {}, .body = body}) <
        kHandful);
}

TEST_CASE("a request over HTTP/2 takes nothing from the heap") {
  const std::string method = GENERATE(as<std::string>{}, "GET", "POST");
  CAPTURE(method);
  NetFixture net;
  ScriptedListener listener([&](int fd) {
    H2Peer peer(fd);
    peer.greet();
    peer.window(0, 1 << 30);
    for (auto request = peer.next_request(); request.stream != 0; request = peer.next_request()) {
      peer.headers(request.stream, {{":status", "200"}, {"content-type", "text/plain"}, {"x-backend", "pod-1"}});
      peer.data(request.stream, kBody, true);
    }
  });
  HttpClientOptions options;
  options.version = HttpVersion::two;
  HttpClient client(net.loop, options);
  const std::string body = method == "GET" ? "" : "from here to the end";
  CHECK(heap_for_requests(net, client, {.method = method, .url = listener.url(), .headers = {}, .body = body}) <
        kHandful);
}
