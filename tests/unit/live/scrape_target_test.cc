#include "lgen/scrape.h"

#include <future>
#include <map>
#include <string>

#include "background.h"
#include "catch.h"
#include "lgen/http_server.h"
#include "lgen/prom_query.h"
#include "net_fixture.h"

namespace lgen {
namespace {

using test::ScriptedListener;

/// A pod with one metric, on the same loop.
struct Pod {
  explicit Pod(Loop& loop) : server(loop) {
    server.on("GET", "/metrics", [this](const HttpQuestion& question, HttpReply& reply) {
      ++asked;
      accept = find_header(*question.headers, "accept").value_or("");
      secret = find_header(*question.headers, "x-secret").value_or("");
      reply.send({.body = page});
    });
    REQUIRE(server.listen("127.0.0.1:0"));
  }
  std::string address() const { return server.address(); }

  HttpServer server;
  std::string page = "x 1\n";
  std::string accept, secret;
  int asked = 0;
};

struct Fixture : test::NetFixture {
  std::unique_ptr<ScrapeTarget> target(const std::vector<std::string>& where, const ScrapeOptions& options = {}) {
    auto made = ScrapeTarget::make(loop, metrics, "t", where, options);
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    return std::move(*made);
  }
  SamplePtr fresh(ScrapeTarget& target) {
    SamplePtr got;
    const Op op = target.fresh([&](SamplePtr sample) { got = std::move(sample); });
    until([&] { return got != nullptr; });
    return got;
  }
  std::optional<double> sum(const ScrapeSample& sample) {
    return combine(find_series(sample, "x", {}), Aggregate::sum);
  }
  Metrics metrics;
};

TEST_CASE("a target asks all of its pods at once, for the text format and with its headers") {
  Fixture f;
  Pod a(f.loop), b(f.loop);
  b.page = "x 2\n";
  const auto target = f.target({a.address(), "http://" + b.address()}, {.headers = {{"X-Secret", "s"}}});
  const SamplePtr sample = f.fresh(*target);
  CHECK(sample->up() == 2);
  CHECK(sample->pods[0].pod == a.address());
  CHECK(f.sum(*sample) == 3);
  CHECK(a.accept.starts_with("text/plain;version=0.0.4"));
  CHECK(a.secret == "s");
  CHECK(sample->pods[0].took > Duration{0});
  CHECK(target->latest() == sample);
}

TEST_CASE("pods come and go with the service discovery; without it the last ones count") {
  Fixture f;
  Pod a(f.loop), b(f.loop);
  std::string document;
  int status = 200;
  HttpServer discovery(f.loop);
  discovery.on("GET", "/sd", [&](const HttpQuestion&, HttpReply& reply) {
    reply.send({.status = status, .body = document, .content_type = "application/json"});
  });
  REQUIRE(discovery.listen("127.0.0.1:0"));
  const auto group = [](const Pod& pod, const std::string& name) {
    return R"({"targets":[")" + pod.address() + R"("],"labels":{"pod":")" + name + R"(","zone":"z"}})";
  };
  const auto target = f.target({"sd+" + discovery.url() + "/sd"});
  document = "[" + group(a, "a") + "]";
  CHECK(f.fresh(*target)->pods.size() == 1);
  document = "[" + group(a, "a") + "," + group(b, "b") + "]";
  const SamplePtr both = f.fresh(*target);
  CHECK(both->pods[1].pod == "b");
  CHECK(both->pods[1].labels == Labels{{"zone", "z"}});
  status = 500;
  const SamplePtr old = f.fresh(*target);
  CHECK(old->up() == 2);
  CHECK(old->trouble == discovery.url() + "/sd: answered 500 Internal Server Error");
  status = 200;
  document = "[]";
  const SamplePtr none = f.fresh(*target);
  CHECK(none->error()->message == "there is no pod");
  document = "{}";
  CHECK(f.fresh(*target)->trouble.find("/sd: it is no list of groups") != std::string::npos);
}

TEST_CASE("every address of a name is a pod, and an unknown name is told") {
  Fixture f;
  Pod a(f.loop);
  const std::string port = a.address().substr(a.address().rfind(':') + 1);
  const auto target = f.target({"dns:///localhost:" + port});
  const SamplePtr sample = f.fresh(*target);
  REQUIRE(sample->up() >= 1);  // ::1 may be an address, too: nobody listens there
  CHECK(f.sum(*sample) == 1);
  const auto unknown = f.target({"dns:///no-such-host.invalid:1"});
  const auto error = f.fresh(*unknown)->error();
  REQUIRE(error);
  CHECK(error->message.find("no-such-host.invalid") != std::string::npos);
}

TEST_CASE("what is no page of metrics is told with its address") {
  Fixture f;
  const auto head = [](const std::string& type, std::size_t length) {
    return "HTTP/1.1 200 OK\r\nContent-Type: " + type + "\r\nContent-Length: " + std::to_string(length) +
           "\r\nConnection: close\r\n\r\n";
  };
  struct Row {
    std::string answer, error;
  };
  const std::string html = "<html>\n";
  for (const Row& row : {
           Row{head("text/html; charset=utf-8", 7) + html,
               "a page of text/html, not Prometheus' text format; is the path right?"},
           Row{head("text/plain", 7) + html,
               "line 1, column 1: this is HTML or XML, not Prometheus' text format; is the path right?"},
           Row{head("application/openmetrics-text", 8) + "x 1\n# E\n",
               "a page of application/openmetrics-text, not "
               "Prometheus' text format; that was asked for"},
           Row{head("text/plain", 9) + "x 1\ny 2 3",
               "line 2, column 6: the page ends in the middle of a line; it was "
               "cut off, or its last line feed is missing"},
           Row{"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "answered 404 Not Found"},
           Row{"HTTP/1.1 200 OK\r\n\r\n", ""},  // a body until the end, and it is empty
       }) {
    INFO(row.error);
    ScriptedListener pod([&](int fd) {
      ScriptedListener::read_until(fd, "\r\n\r\n");
      ScriptedListener::write(fd, row.answer);
    });
    const auto target = f.target({pod.url("/metrics")});
    const auto error = f.fresh(*target)->error();
    if (row.error.empty()) {
      CHECK_FALSE(error);
    } else {
      REQUIRE(error);
      CHECK(error->message == pod.url("/metrics") + ": " + row.error);
    }
  }
}

TEST_CASE("a page that is cut off by the wire, endless or late is an error, and the others are not held up") {
  Fixture f;
  Pod good(f.loop);
  std::string answer;
  bool wait = false;
  ScriptedListener pod([&](int fd) {
    ScriptedListener::read_until(fd, "\r\n\r\n");
    ScriptedListener::write(fd, answer);
    if (wait) ScriptedListener::wait_closed(fd);
  });
  const auto error_of = [&](const ScrapeOptions& options) {
    const auto target = f.target({good.address(), pod.url("/m")}, options);
    const SamplePtr sample = f.fresh(*target);
    CHECK(sample->up() == 1);
    CHECK(f.sum(*sample) == 1);
    return sample->pods[1].error->message;
  };
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx 1\n";
  CHECK(error_of({}).find("GET " + pod.url("/m")) == 0);
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n";
  const std::string too_large = error_of({.max_page = 1000});
  INFO(too_large);
  CHECK(too_large.find("1000") != std::string::npos);
  wait = true;
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nx";
  const std::string late = error_of({.timeout = std::chrono::milliseconds(500)});
  INFO(late);
  CHECK(late.find("no whole answer within 0.5 s") != std::string::npos);
}

TEST_CASE("pages are read in the background: the loop goes on meanwhile, and a target may go away") {
  Fixture f;
  Pod pod(f.loop);
  std::promise<void> may_end;
  const std::shared_future<void> end = may_end.get_future().share();
  std::vector<Op> busy;
  for (int i = 0; i < 128; ++i)
    busy.push_back(in_background(
        f.loop, [end] { end.wait(); }, [] {}));  // the whole pool
  const auto target = f.target({pod.address()});
  SamplePtr got;
  const Op op = target->fresh([&](SamplePtr sample) { got = std::move(sample); });
  {
    const auto gone = f.target({pod.address()});
    const Op never = gone->fresh([](const SamplePtr&) { FAIL("its target is gone"); });
    f.until([&] { return pod.asked == 2; });
    f.turns(50);
  }
  CHECK_FALSE(got);
  may_end.set_value();
  f.until([&] { return got != nullptr; });
  CHECK(f.sum(*got) == 1);
}

TEST_CASE("background rounds go on by themselves and become metrics of the run") {
  Fixture f;
  Pod a(f.loop);
  a.page = "x 4\ny_total 10\n";
  const auto target = f.target({a.address()}, {.interval = std::chrono::milliseconds(2), .metrics = {"x", "y_total"}});
  target->start();
  f.until([&] { return a.asked >= 2; });
  a.page = "x 5\ny_total 13\n";
  f.until([&] { return f.metrics.total("y_total") == 3; });
  CHECK(f.metrics.total("x") == 5);
  CHECK(f.metrics.total("up") == 1);
  target->stop();
  const int asked = a.asked;
  f.turns(50);
  CHECK(a.asked <= asked + 1);  // one that was already on its way
}

TEST_CASE("who asks gets pages that are younger than the question; rounds never overlap") {
  Fixture f;
  Pod a(f.loop);
  const auto target = f.target({a.address()});
  SamplePtr first, second, third, following;
  const Op one = target->fresh([&](SamplePtr sample) { first = std::move(sample); });
  const Op two = target->fresh([&](SamplePtr sample) { second = std::move(sample); });
  const Op three = target->fresh([&](SamplePtr sample) { third = std::move(sample); });
  const Op next = target->next([&](SamplePtr sample) { following = std::move(sample); });
  f.until([&] { return first && second && third && following; });
  CHECK(first == following);
  CHECK(second == third);
  CHECK(first != second);
  CHECK(a.asked == 2);
}

TEST_CASE("a question that is dropped or cancelled, also by another's answer, leaves nothing behind") {
  Fixture f;
  Pod a(f.loop);
  auto target = f.target({a.address()});
  bool cancelled = false, told = false;
  Op dropped = target->fresh([&](const SamplePtr&) { told = true; });
  Op stopped = target->fresh([&](const SamplePtr& sample) { cancelled = sample == nullptr; });
  Op victim;
  bool killed = false;
  const Op killer = target->fresh([&](const SamplePtr&) {
    victim.reset();
    killed = true;
  });
  victim = target->fresh([&](const SamplePtr&) { told = true; });
  dropped.reset();
  stopped.cancel();
  CHECK_FALSE(cancelled);  // never inside the call
  f.until([&] { return cancelled && killed; });
  f.turns();
  CHECK_FALSE(told);
  const Op orphan = target->fresh([&](const SamplePtr&) { told = true; });
  target.reset();
  f.turns();
  CHECK_FALSE(told);
}

TEST_CASE("a question in PromQL is asked as Prometheus' API has it") {
  Fixture f;
  HttpServer server(f.loop);
  std::string body;
  HttpAnswer answer{.body = R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"]}})",
                    .content_type = "application/json"};
  server.on("POST", "/prom/api/v1/query", [&](const HttpQuestion& question, HttpReply& reply) {
    body = question.body;
    reply.send(answer);
  });
  REQUIRE(server.listen("127.0.0.1:0"));
  HttpClient client(f.loop);
  const auto ask = [&](const std::string& base) {
    std::optional<Result<PromAnswer>> got;
    const Op op =
        prom_query(client, base, "sum(x{a=\"b\"})", [&](Result<PromAnswer> result) { got = std::move(result); });
    f.until([&] { return got.has_value(); });
    return *got;
  };
  CHECK(ask(server.url() + "/prom/")->scalar == 2);
  CHECK(body == "query=sum%28x%7Ba%3D%22b%22%7D%29");
  CHECK(ask(server.url()).error().message == server.url() + "/api/v1/query: answered 404 Not Found");
  answer = {.status = 400, .body = R"({"status":"error","errorType":"bad_data","error":"parse error"})"};
  CHECK(ask(server.url() + "/prom").error().message == server.url() + "/prom/api/v1/query: parse error");
  answer = {.body = "<html>"};
  CHECK(ask(server.url() + "/prom").error().code == ErrorCode::protocol);
}

TEST_CASE("files of TLS that cannot be used are told before anything is asked, where they are needed") {
  Fixture f;
  ScrapeOptions options;
  options.tls.ca = "/nonexistent.pem";
  for (const char* where : {"https://127.0.0.1:1/metrics", "sd+https://127.0.0.1:1/sd"}) {
    const auto made = ScrapeTarget::make(f.loop, f.metrics, "t", std::vector<std::string>{where}, options);
    REQUIRE_FALSE(made);
    CHECK_THAT(made.error().message, Catch::Contains("CA file /nonexistent.pem"));
  }
  f.target({"http://127.0.0.1:1/metrics"}, options);
}

}  // namespace
}  // namespace lgen
