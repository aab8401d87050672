#include "scrape_recorder.h"

#include <string>

#include "catch.h"
#include "lgen/threshold.h"
#include "lgen/timeline.h"

namespace lgen {
namespace {

using Pages = std::vector<std::pair<std::string, std::string>>;  // pod -> text, "" is down

ScrapeSample sample_of(const Pages& pages) {
  ScrapeSample sample;
  for (const auto& [name, text] : pages) {
    PodPage pod{.pod = name};
    if (!text.empty()) pod.page = *MetricsPage::parse(text);
    sample.pods.push_back(std::move(pod));
  }
  return sample;
}

struct Watched {
  explicit Watched(std::vector<std::string> patterns) : recorder(metrics, "t", std::move(patterns)) {
    REQUIRE(recorder.define());
    recorder.begin(1000);
  }
  void page(const std::string& text) { recorder.record(sample_of({{"a", text}})); }
  double value(std::string_view metric, const Labels& labels = {}) const {
    const Snapshot snapshot = metrics.snapshot();
    return aggregate(*snapshot.find(metric), labels).value;
  }
  ThresholdResult judged(const std::string& metric, const std::string& text, Labels labels = {}) const {
    const Threshold threshold{metric, text, *parse_threshold(text), std::move(labels), ""};
    return judge(threshold, metrics.snapshot(), std::chrono::seconds(10));
  }

  Metrics metrics;
  ScrapeRecorder recorder;
};

TEST_CASE("counters of the system under test count what the run has seen") {
  Watched w({"x_total"});
  w.page("x_total 100\n");
  CHECK(w.value("x_total") == 0);
  w.page("x_total 130\n");
  CHECK(w.value("x_total") == 30);
  w.page("x_total 5\n");  // a new process
  CHECK(w.value("x_total") == 35);
  w.page("x_total{k=\"late\"} 7\nx_total 5\n");  // a series that was not there before was 0
  CHECK(w.value("x_total") == 42);
  CHECK(w.value("x_total", {{"k", "late"}, {"pod", "a"}, {"target", "t"}}) == 7);
}

TEST_CASE("a process that has started during the run counts from 0") {
  for (const auto& [start, seen] : {std::pair{"999", 0.0}, std::pair{"1001", 40.0}}) {
    Watched w({"x_total"});
    w.page(std::string("x_total 40\nprocess_start_time_seconds ") + start + "\n");
    CHECK(w.value("x_total") == seen);
  }
}

TEST_CASE("buckets of the run have percentiles, those from before the run have no say") {
  Watched w({"h_bucket"});
  const std::string before =
      "h_bucket{le=\"1\"} 0\nh_bucket{le=\"2\"} 100\nh_bucket{le=\"+Inf\"} 100\nh_sum 9\nh_count 100\n";
  const std::string after =
      "h_bucket{le=\"1\"} 10\nh_bucket{le=\"2\"} 110\nh_bucket{le=\"+Inf\"} 110\nh_sum 9\nh_count 110\n";
  w.page("# TYPE h histogram\n" + before);
  CHECK(w.judged("h_bucket", "p(99) < 5").why == "no samples");
  w.page("# TYPE h histogram\n" + after);
  CHECK(w.judged("h_bucket", "p(50) < 0.6").observed == 0.5);
  CHECK(w.judged("h_bucket", "p(50) < 0.6", {{"pod", "a"}}).ok);
  CHECK(w.judged("h_bucket", "p(50) < 0.6", {{"pod", "b"}}).why == "no samples");
}

TEST_CASE("the page's word on a type counts more than the name's") {
  Watched w({"rq", "odd_total", "mute"});
  CHECK(w.metrics.spec(*w.metrics.find("rq")).type == MetricType::gauge);
  w.page("# HELP rq Requests.\n# TYPE rq counter\nrq 5\n# TYPE odd_total gauge\nodd_total 3\nmute 1\n");
  w.page("# TYPE rq counter\nrq 9\n# TYPE odd_total gauge\nodd_total 2\nmute 1\n");
  CHECK(w.metrics.spec(*w.metrics.find("rq")).type == MetricType::counter);
  CHECK(w.metrics.spec(*w.metrics.find("rq")).help == "Requests.");
  CHECK(w.value("rq") == 4);
  CHECK(w.value("odd_total") == 2);
  CHECK(w.value("mute") == 1);
}

TEST_CASE("without a choice everything but buckets and quantiles is recorded; with one, what fits") {
  const std::string text =
      "g 1\nc_total 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
      "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\nc_created 1\n";
  struct Row {
    std::vector<std::string> patterns;
    std::vector<std::string> recorded;
  };
  for (const Row& row : {Row{{}, {"g", "c_total", "h_sum", "h_count", "s_sum", "s_count"}},
                         Row{{"h_*"}, {"h_bucket", "h_sum", "h_count"}}, Row{{"*_t*l", "g"}, {"g", "c_total"}}}) {
    Watched w(row.patterns);
    w.page(text);
    std::vector<std::string> recorded;
    for (const MetricSnapshot& metric : w.metrics.snapshot().metrics) {
      const bool ours = metric.spec.name == "up" || metric.spec.name == "scrape_duration_seconds";
      if (metric.spec.scraped && !ours && !metric.series.empty()) recorded.push_back(metric.spec.name);
    }
    CHECK_THAT(recorded, Catch::Matchers::UnorderedEquals(row.recorded));
  }
}

TEST_CASE("up tells which pods answer, and gauges of those that do not have no value") {
  Watched w({"g"});
  Timeline timeline(w.metrics);
  auto second = [&, now = 0](const Pages& pages) mutable {
    w.recorder.record(sample_of(pages));
    timeline.tick(std::chrono::seconds(++now));
  };
  second({{"a", "g 1\n"}, {"b", "g 10\n"}});
  second({{"a", "g 2\n"}, {"b", ""}});
  second({{"a", "g 3\n"}});
  second({{"a", "g 4\n"}, {"b", "g 20\n"}});
  const TimelineData data = timeline.data();
  const auto line = [&](std::string_view metric, std::string_view pod) {
    for (const TimelineSeries& series : data.series) {
      if (series.metric == metric && labels_match(series.labels, {{"pod", std::string(pod)}})) return series.points;
    }
    return std::vector<TimelinePoint>();
  };
  REQUIRE(line("up", "b").size() == 4);
  CHECK(line("up", "a")[3].min == 1);
  CHECK(line("up", "b")[0].min == 1);
  CHECK(line("up", "b")[1].min == 0);
  CHECK(line("g", "a")[2].max == 3);
  CHECK(line("g", "b")[1].max == 10);   // what it was when the second began
  CHECK(line("g", "b")[2].count == 0);  // a gap
  CHECK(line("up", "b")[2].max == 0);
  CHECK(line("g", "b")[3].max == 20);
  CHECK(line("g", "b")[3].min == 20);
  w.recorder.record(sample_of({{"a", "g 5\n"}}));
  CHECK(w.value("g") == 5);  // what is gone adds nothing
  const Snapshot snapshot = w.metrics.snapshot();
  CHECK(aggregate(*snapshot.find("g"), {{"pod", "b"}}).min == 10);
  CHECK(aggregate(*snapshot.find("g"), {{"pod", "b"}}).max == 20);
}

TEST_CASE("thresholds judge what was scraped, of all pods or of some") {
  Watched w({"g", "x_total", "never"});
  w.recorder.record(sample_of({{"a", "g 1\nx_total 0\n"}, {"b", "g 7\nx_total 0\n"}}));
  w.recorder.record(sample_of({{"a", "g 2\nx_total 5\n"}, {"b", "g 3\nx_total 10\n"}}));
  CHECK(w.judged("g", "max < 8").ok);
  CHECK(w.judged("g", "max < 7").why == "max is 7, not < 7");
  CHECK(w.judged("g", "max < 3", {{"pod", "a"}}).ok);
  CHECK(w.judged("x_total", "count == 15").ok);
  CHECK(w.judged("x_total", "count == 10", {{"pod", "b"}}).ok);
  CHECK(w.judged("x_total", "rate < 1").why == "rate is 1.5, not < 1");
  CHECK(w.judged("up", "min == 1").ok);
  CHECK(w.judged("scrape_duration_seconds", "p(99) < 1").ok);
  CHECK(w.judged("never", "count == 0").why == "no page of its scrape target had it");
  CHECK(w.judged("never", "max < 3").why == "no page of its scrape target had it");
  CHECK(w.judged("g", "count > 0").why.find("is a gauge, which has no count") != std::string::npos);
}

TEST_CASE("a threshold on a scraped metric is only refused for what no page could give") {
  Watched w({"g", "x_total"});
  const auto refused = [&](const std::string& metric, const std::string& text) {
    return !check_threshold({metric, text, *parse_threshold(text), {}, ""}, w.metrics.spec(*w.metrics.find(metric)));
  };
  CHECK_FALSE(refused("g", "count < 1"));
  CHECK_FALSE(refused("x_total", "max < 1"));
  CHECK(refused("g", "p(99) < 1"));
  w.page("# TYPE g gauge\n# TYPE x_total counter\n");  // told, though there is no series yet
  CHECK(refused("g", "count < 1"));
  CHECK(refused("x_total", "max < 1"));
  CHECK(w.judged("x_total", "count == 0").ok);
}

TEST_CASE("beyond 5,000 series nothing more is recorded, and those that are recorded go on") {
  Watched w({"x_total", "y_total"});
  const auto page = [](int value) {
    std::string text;
    for (int i = 0; i < 5'001; ++i) text += "x_total{i=\"" + std::to_string(i) + "\"} " + std::to_string(value) + "\n";
    return text + "y_total " + std::to_string(value) + "\n";
  };
  for (const int value : {1, 2, 3}) w.page(page(value));
  CHECK(w.metrics.total("x_total") == 2 * 5'000);
  CHECK(w.metrics.total("y_total") == 0);
}

TEST_CASE("a metric of the run's own keeps its name") {
  Watched w({});
  w.page("# TYPE vus gauge\nvus 3\n");
  CHECK(w.metrics.total("vus") == 0);
  Metrics metrics;
  ScrapeRecorder named(metrics, "t", {"vus"});
  CHECK_FALSE(named.define());
  ScrapeRecorder one(metrics, "one", {"g"}), two(metrics, "two", {"g"});
  CHECK(one.define());
  CHECK(two.define());
}

}  // namespace
}  // namespace lgen
