// Sums of the samples of a metrics page.
//
// *Thread:* a pure function.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "lgen/exposition.h"

namespace lgen::kube {

// By metric name, over all labels. Samples with a label whose value begins with `without` are left out.
std::map<std::string, double, std::less<>> metric_sums(const MetricsPage& page, std::string_view without = {});

}  // namespace lgen::kube
