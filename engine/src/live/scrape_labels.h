// Names of labels where a page's own meet those that lgen adds.
// Thread: pure functions.
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include "lgen/metrics.h"

namespace lgen {

/// As Prometheus does it: a label of the page that is called like one of ours becomes exported_NAME. `of_pod`: what the
/// service discovery says of the pod.
inline std::string page_label(std::string_view name, const Labels& of_pod) {
  constexpr std::string_view kOurs[] = {"pod", "target", "scenario", "phase", "overflow"};
  const bool taken = std::find(std::begin(kOurs), std::end(kOurs), name) != std::end(kOurs) ||
                     std::any_of(of_pod.begin(), of_pod.end(), [&](const auto& label) { return label.first == name; });
  return taken ? "exported_" + std::string(name) : std::string(name);
}

}  // namespace lgen
