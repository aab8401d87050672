// What is known of one pod's metrics, and the autoscaler's readings made of it.
//
// *Thread:* plain values. *Units:* `at` on the cluster's time line, `wall` on the machine's: load is not scaled, so
// rates and CPU are by real seconds.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lgen/hpa.h"
#include "lgen/time.h"

namespace lgen::kube {

struct Instant {
  TimePoint at, wall;
};

class PodMetrics {
 public:
  using Sums = std::map<std::string, double, std::less<>>;

  // Pages are known `lag` after they were taken: what a monitoring system and its adapter take to pass them on.
  explicit PodMetrics(Duration lag = Duration::zero()) : lag_(lag) {}

  // A page that was scraped, or nothing when the scrape failed: then no value of the pod is known until the next one.
  void add_page(std::optional<Sums> sums, Instant now);
  // CPU that the pod's process has used since its start; a new process starts anew.
  void add_cpu(std::int64_t process, Duration used, Instant now);
  void forget_cpu() { cpu_marks_.clear(); }

  // By the name an autoscaler uses: a metric of the page, "prometheus.googleapis.com|NAME|gauge" (or |counter),
  // "NAME_per_second" for NAME_total or NAME_count_total. Of a counter, known by _total, it is the rate.
  std::optional<hpa::Sample> value_of(const std::string& name, TimePoint now) const;
  // Millicores over the last interval.
  std::optional<hpa::Sample> cpu(TimePoint now) const;

 private:
  struct Page {
    Sums sums;
    Instant taken;
  };
  struct CpuMark {
    Duration used{0};
    Instant taken;
  };
  // The newest page that is known, or the end.
  using Pages = std::vector<Page>;
  Pages::const_iterator known(TimePoint now) const;
  std::optional<double> rate_of(const std::string& name, Pages::const_iterator page) const;
  std::optional<double> find(const std::string& name, Pages::const_iterator page) const;

  Duration lag_;
  Pages pages_;  // the last two that are known, and those after them
  std::int64_t process_ = 0;
  std::vector<CpuMark> cpu_marks_;  // the last two
};

// One metric's reading over `pods`. Object and External metrics are the sum over the pods that have a value.
hpa::Reading read_metric(const hpa::Metric& metric, const std::vector<const PodMetrics*>& pods, TimePoint now);

}  // namespace lgen::kube
