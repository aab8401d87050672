// The words of --local, "pods=3,balance=stream" or "manifests=k8s.yaml,time-scale=20", checked and turned into
// lgen-cluster's flags. Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"

namespace lgen::cli {

/// {"--pods", "3", "--balance", "stream"}; an Error names the word as the user wrote it.
Result<std::vector<std::string>> local_flags(std::string_view spec);

}  // namespace lgen::cli
