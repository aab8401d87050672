#include <cmath>
#include <string>

#include "catch.h"
#include "lgen/prom_query.h"
#include "scrape_place.h"
#include "service_discovery.h"

namespace lgen {
namespace {

std::string place_text(const std::string& text) {
  const auto place = parse_scrape_place(text);
  if (!place) return place.error().message;
  switch (place->kind) {
    case ScrapePlace::Kind::page:
      return "page " + place->url;
    case ScrapePlace::Kind::dns:
      return "dns " + place->host + " " + std::to_string(place->port) + " " + place->path;
    case ScrapePlace::Kind::discovery:
      return "sd " + place->url;
  }
  return "";
}

TEST_CASE("places of metrics are read, and what is none says what there is") {
  struct Row {
    const char *text, *place;
  };
  for (const Row& row : {
           Row{"http://a:1", "page http://a:1/metrics"},
           Row{"http://a:1/", "page http://a:1/"},
           Row{"https://a/m?x=1", "page https://a/m?x=1"},
           Row{"127.0.0.1:9464", "page http://127.0.0.1:9464/metrics"},
           Row{"[::1]:9464", "page http://[::1]:9464/metrics"},
           Row{"dns:///pods.local:9464", "dns pods.local 9464 /metrics"},
           Row{"dns:///pods:1/m/x", "dns pods 1 /m/x"},
           Row{"sd+http://a:1/sd", "sd http://a:1/sd"},
           Row{"dns://pods:1", "'dns://pods:1': write dns:///NAME:PORT, with three slashes and no name server"},
           Row{"dns:///pods", "'dns:///pods': write dns:///NAME:PORT; the pods' port is needed"},
           Row{"pods",
               "'pods': no place of metrics; there is http://HOST:PORT/PATH, HOST:PORT, dns:///NAME:PORT and "
               "sd+http://HOST:PORT/PATH"},
       }) {
    INFO(row.text);
    CHECK(place_text(row.text) == row.place);
  }
  CHECK(place_text("ftp://a/b").find("'ftp://a/b'") != std::string::npos);
  CHECK(place_text("sd+ftp://a/b").find("'ftp://a/b'") != std::string::npos);
}

TEST_CASE("a document of the service discovery is read as pods") {
  const auto pods = read_discovery(
      R"([{"targets":["10.0.0.1:9464"],"labels":{"pod":"p1","zone":"z","__meta_x":"no","empty":""}},
          {"targets":["10.0.0.2:1","10.0.0.3:1"],"labels":{"pod":"shared","__scheme__":"https","__metrics_path__":"/m"}},
          {"targets":["[::1]:2"]}])");
  REQUIRE(pods);
  REQUIRE(pods->size() == 4);
  CHECK((*pods)[0].pod == "p1");
  CHECK((*pods)[0].url == "http://10.0.0.1:9464/metrics");
  CHECK((*pods)[0].labels == Labels{{"zone", "z"}});
  CHECK((*pods)[1].pod == "10.0.0.2:1");  // one name for two pods is none
  CHECK((*pods)[2].url == "https://10.0.0.3:1/m");
  CHECK((*pods)[3].url == "http://[::1]:2/metrics");
  CHECK(read_discovery("[]")->empty());
}

TEST_CASE("a broken document of the service discovery is refused by its group") {
  struct Row {
    const char *text, *error;
  };
  for (const Row& row : {
           Row{"<html>", "it is no JSON"},
           Row{"{}", "it is no list of groups, as Prometheus' HTTP service discovery has it"},
           Row{"[{\"targets\":[]},1]", "group 2: a group has a list \"targets\""},
           Row{"[{\"targets\":[1]}]", "group 1: a target is a string, \"HOST:PORT\""},
           Row{"[{\"targets\":[],\"labels\":[]}]", "group 1: \"labels\" is no object"},
           Row{"[{\"targets\":[],\"labels\":{\"a\":1}}]", "group 1: label \"a\" is no string"},
       }) {
    INFO(row.text);
    const auto pods = read_discovery(row.text);
    REQUIRE_FALSE(pods);
    CHECK(pods.error().message == row.error);
  }
  CHECK_FALSE(read_discovery(R"([{"targets":["a b"]}])"));
}

TEST_CASE("answers of Prometheus' API are read as values") {
  const auto vector = parse_prom_answer(
      R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a"},"value":[1.5,"+Inf"]}]}})");
  REQUIRE(vector);
  CHECK(vector->kind == PromAnswer::Kind::vector);
  CHECK(vector->series[0].labels == Labels{{"__name__", "up"}, {"job", "a"}});
  CHECK(vector->series[0].points == std::vector<std::pair<double, double>>{{1.5, INFINITY}});
  const auto matrix = parse_prom_answer(
      R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"2"],[3,"NaN"]]}]}})");
  REQUIRE(matrix);
  CHECK(matrix->series[0].points[0] == std::pair{1.0, 2.0});
  CHECK(std::isnan(matrix->series[0].points[1].second));
  CHECK(parse_prom_answer(R"({"status":"success","data":{"resultType":"scalar","result":[1,"4"]}})")->scalar == 4);
  CHECK(parse_prom_answer(R"({"status":"success","data":{"resultType":"string","result":[1,"t"]}})")->text == "t");
}

TEST_CASE("errors of Prometheus' API are told in its words, other answers are refused") {
  const auto wrong = parse_prom_answer(R"({"status":"error","errorType":"bad_data","error":"1:3: parse error"})");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().code == ErrorCode::invalid_argument);
  CHECK(wrong.error().message == "1:3: parse error");
  for (const char* text : {"", "[]", "{}", R"({"status":"success"})",
                           R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{}}]}})"}) {
    INFO(text);
    const auto answer = parse_prom_answer(text);
    REQUIRE_FALSE(answer);
    CHECK(answer.error().code == ErrorCode::protocol);
  }
}

}  // namespace
}  // namespace lgen
