#include "lgen/dashboard.h"

#include <nlohmann/json.hpp>

#include "lgen/report.h"
#include "net_fixture.h"
#include "page_data.h"
#include "raw_client.h"
#include "sample_summary.h"

namespace lgen {
namespace {

using Json = nlohmann::ordered_json;

/// A reader of the page's events that can stop reading.
class RawReader : public test::RawClient {
 public:
  explicit RawReader(const HttpServer& server, int receive_buffer = 0) : RawClient(server, receive_buffer) {
    send("GET /events HTTP/1.0\r\n\r\n");
  }

  /// How many whole ones have come; does not read them again each time.
  std::size_t count() {
    read();
    for (std::size_t end; (end = text.find("\n\n", counted)) != std::string::npos; counted = end + 2) ++whole;
    return whole;
  }
  std::size_t counted = 0, whole = 0;

  /// (event, data) of the whole ones.
  std::vector<std::pair<std::string, Json>> events() {
    std::vector<std::pair<std::string, Json>> all;
    read();
    for (std::size_t at = text.find("event: "); at != std::string::npos; at = text.find("event: ", at)) {
      const std::size_t data = text.find("\ndata: ", at), end = text.find("\n\n", at);
      if (end == std::string::npos) break;
      all.emplace_back(text.substr(at + 7, data - at - 7), Json::parse(text.substr(data + 7, end - data - 7)));
      at = end;
    }
    return all;
  }
};

/// What live.js makes of an event.
void take(Json& page, Json changed) {
  if (changed.contains("grown")) {
    Json time = changed["grown"]["time"];
    for (Json& chart : time["charts"]) {
      const auto from = chart["from"].get<std::size_t>();
      chart.erase("from");
      if (from == 0) continue;
      for (const Json& old : page["time"]["charts"]) {
        if (old["id"] != chart["id"]) continue;
        const auto join = [from](Json before, const Json& more) {
          before.erase(before.begin() + static_cast<long>(from), before.end());
          for (const Json& value : more) before.push_back(value);
          return before;
        };
        if (chart.contains("columns")) {
          chart["columns"] = join(old["columns"], chart["columns"]);
          continue;
        }
        for (std::size_t i = 0; i < chart["lines"].size(); ++i) {
          chart["lines"][i]["values"] = join(old["lines"][i]["values"], chart["lines"][i]["values"]);
        }
      }
    }
    changed["time"] = time;
    changed.erase("grown");
  }
  page.update(changed);
}

struct Fixture : test::NetFixture {
  Fixture() {
    REQUIRE(server.listen("127.0.0.1:0"));
    dashboard.begin([this] { return summary; });
  }
  /// The dashboard takes its time between two looks at the run.
  void tick_until(const std::function<bool()>& done) {
    until([&] {
      loop.post([] {});
      dashboard.tick();
      return done();
    });
  }
  /// The same run, `seconds` long.
  void grow_to(std::size_t seconds) {
    summary = test::good_summary();
    for (TimelineSeries& series : summary.timelines.series) {
      while (series.points.size() < seconds) {
        TimelinePoint next = series.points.empty() ? TimelinePoint{} : series.points.back();
        next.sum += static_cast<double>(series.points.size());
        series.points.push_back(next);
      }
    }
    summary.run.duration = static_cast<double>(seconds);
  }

  Summary summary = test::good_summary();
  HttpServer server{loop};
  Dashboard dashboard{loop, server};
};

TEST_CASE("a reader gets everything once, then what has changed, and ends with the whole") {
  Fixture run;
  RawReader reader(run.server);
  test::until(run, [&] { return reader.events().size() == 1; });
  CHECK(reader.events()[0].first == "all");
  Json page = reader.events()[0].second;
  std::size_t told = 1;
  for (const std::size_t seconds : {20, 21, 22, 40, 700}) {
    run.grow_to(seconds);
    run.tick_until([&] { return reader.events().size() > told; });
    const auto [event, changed] = reader.events()[told++];
    INFO(seconds << " s: " << event);
    CHECK(event == "parts");
    CHECK_FALSE(changed.contains("latency"));
    take(page, changed);
    CHECK(page == Json(html::page_data(run.summary)));
    if (seconds == 22) CHECK(changed["grown"]["time"].dump().size() < page["time"].dump().size() / 2);
  }
  run.summary.run.end_reason = "done";
  run.dashboard.end(run.summary);
  test::until(run, [&] { return reader.events().size() > told; });
  CHECK(reader.events().back().first == "end");
  CHECK(reader.events().back().second == Json(html::page_data(run.summary)));
  CHECK(run.dashboard.readers() == 0);
}

TEST_CASE("nothing is asked of the run while nobody looks, nor twice in a second for several") {
  Fixture run;
  int asked = 0;
  run.dashboard.begin([&] {
    ++asked;
    return run.summary;
  });
  for (int i = 0; i < 10; ++i) run.dashboard.tick();
  CHECK(asked == 0);
  RawReader one(run.server), two(run.server);
  test::until(run, [&] { return one.events().size() == 1 && two.events().size() == 1; });
  CHECK(asked == 1);
}

TEST_CASE("a reader that does not keep up is let go") {
  Fixture run;
  RawReader slow(run.server, 4096);
  RawReader good(run.server);
  run.until([&] { return run.dashboard.readers() == 2; });
  std::size_t told = good.count();
  int number = 0;
  run.tick_until([&] {
    if (good.count() > told) run.summary.run.notes = {std::string(600'000, static_cast<char>('a' + ++number % 26))};
    told = good.count();
    if (number == 0) run.summary.run.notes = {"first"};
    return run.dashboard.readers() == 1;
  });
  CHECK(good.events().back().first == "parts");
}

TEST_CASE("one who comes after the end gets the end") {
  Fixture run;
  run.dashboard.end(run.summary);
  RawReader reader(run.server);
  test::until(run, [&] { return reader.events().size() == 1; });
  CHECK(reader.events()[0].first == "end");
  HttpClient client(run.loop);
  const test::Reply page = run.get(client, run.server.url());
  CHECK(page.status == 200);
  CHECK(page.header("content-type") == "text/html; charset=utf-8");
  CHECK(page.body.find("connect-src 'self'") != std::string::npos);
  CHECK(page.body.find("EventSource") != std::string::npos);
  CHECK(render_html(run.summary).find("EventSource") == std::string::npos);
}

}  // namespace
}  // namespace lgen
