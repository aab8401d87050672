// The labels that a call site's series carry, by what they are about.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "lgen/metrics.h"
#include "lgen/recorder.h"
#include "outlets.h"

namespace lgen {

/// Of counters of what went out and came in.
inline Labels traffic_labels(const CallSiteKey& key) {
  return with_tags(make_labels({{"scenario", key.scenario},
                                {"name", key.name},
                                {"method", key.method},
                                {"channel", key.channel},
                                {"pool", key.pool},
                                {"phase", key.phase}}),
                   key.tags);
}

/// Of counters of how calls ended.
inline Labels outcome_labels(const CallSiteKey& key, std::string_view code, std::string_view backend) {
  return with_tags(make_labels({{"scenario", key.scenario},
                                {"name", key.name},
                                {"method", key.method},
                                {"channel", key.channel},
                                {"pool", key.pool},
                                {"phase", key.phase},
                                {"backend", backend},
                                {"code", code}}),
                   key.tags);
}

/// Of histograms.
inline Labels latency_labels(const CallSiteKey& key, std::string_view backend) {
  return make_labels({{"scenario", key.scenario},
                      {"name", key.name},
                      {"method", key.method},
                      {"phase", key.phase},
                      {"backend", backend}});
}

/// Tells one key from another.
inline std::string joined(const CallSiteKey& key) {
  std::string text;
  for (const std::string* part : {&key.scenario, &key.name, &key.method, &key.channel, &key.pool, &key.phase}) {
    text.append(*part).append(1, '\xff');
  }
  for (const auto& [name, value] : key.tags) text.append(name).append(1, '\xff').append(value).append(1, '\xff');
  return text;
}

}  // namespace lgen
