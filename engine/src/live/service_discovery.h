// Prometheus' HTTP service discovery: the document it serves, as pods.
// Thread: pure functions.
#pragma once

#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "scrape_place.h"

namespace lgen {

/// [{"targets": ["10.0.0.1:9464"], "labels": {"pod": "a", "zone": "z", "__metrics_path__": "/m", "__scheme__":
/// "https"}}, …]. Other labels that begin with __ are left out, as Prometheus does.
Result<std::vector<PodAddress>> read_discovery(std::string_view json);

}  // namespace lgen
