// Sums of samples of a page in Prometheus' text format.
//
// *Thread:* a pure function.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace lgen::kube {

// By metric name, over all labels. Lines that are none are passed over, as are samples whose labels contain `without`.
std::map<std::string, double, std::less<>> metric_sums(std::string_view page, std::string_view without = {});

}  // namespace lgen::kube
