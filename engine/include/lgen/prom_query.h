// One question to a Prometheus server, in PromQL, and its answer as values.
// Thread: the loop's.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lgen/error.h"
#include "lgen/http.h"
#include "lgen/metrics.h"
#include "lgen/op.h"

namespace lgen {

struct PromSeries {
  Labels labels;                                  // the name is __name__
  std::vector<std::pair<double, double>> points;  // unix time, value; one of an instant vector
};

struct PromAnswer {
  enum class Kind { scalar, string, vector, matrix };
  Kind kind = Kind::vector;
  double scalar = 0;
  std::string text;
  std::vector<PromSeries> series;
};

/// What /api/v1/query answers: the `data` of a success, or the server's error.
Result<PromAnswer> parse_prom_answer(std::string_view json);

/// `base`: "http://127.0.0.1:9090", a path before /api included.
Op prom_query(HttpClient& client, const std::string& base, std::string_view promql,
              std::function<void(Result<PromAnswer>)> done);

}  // namespace lgen
