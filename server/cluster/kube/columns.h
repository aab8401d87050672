// kubectl's tables: `get pods`, `get deployments` and `get hpa`.
//
// *Thread:* pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hpa_view.h"
#include "lgen/hpa.h"
#include "lgen/time.h"

namespace lgen::kube {

using Row = std::vector<std::string>;

struct PodRow {
  std::string name;
  bool ready = false;
  std::string status;
  int restarts = 0;
  std::optional<Duration> since_restart;
  Duration age{0};
};

struct DeploymentRow {
  std::string name;
  int replicas = 0, ready = 0, updated = 0, available = 0;
  Duration age{0};
};

Row pods_header();
Row cells(const PodRow& pod);
Row deployments_header();
Row cells(const DeploymentRow& deployment);
Row hpa_header();
Row cells(const HpaView& hpa);

// "8/15" with what separates them; "<unknown>/50%" when there is no proposal, or one that failed.
std::string usage_and_goal(const hpa::Metric& metric, const Result<hpa::Proposal>* proposal,
                           std::string_view separator);

// "8/15", "cpu: <unknown>/50%", several with commas, of more than two the rest as "+ 1 more...".
std::string targets(const hpa::Spec& spec, const std::vector<Result<hpa::Proposal>>& proposals);

// "45s", "3m10s", "2h5m", "4d": as Kubernetes prints ages.
std::string human_duration(Duration duration);

// The rows with columns of equal width, `gap` blanks apart; every line ends with a newline. `widths` grow and are kept,
// for `-w`.
std::string layout(const std::vector<Row>& rows, std::vector<std::size_t>& widths, std::size_t gap = 3);

}  // namespace lgen::kube
