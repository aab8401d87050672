// Prometheus' standard metrics about this process, read from /proc.
//
// *Thread:* any.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

namespace lgen::server {

std::vector<prometheus::MetricFamily> process_metrics();

// A family with one sample and no labels.
prometheus::MetricFamily single_sample(std::string name, std::string help, prometheus::MetricType type, double value);

}  // namespace lgen::server
