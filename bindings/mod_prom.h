// What a plan watches of the system under test: its scrape targets, and who asks Prometheus.
// Thread: the loop's.
// Lifetime: owned by the Host; close() must run before the loop ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "lgen/http.h"
#include "lgen/op.h"
#include "lgen/scrape.h"
#include "lgen/summary.h"
#include "lgen/threshold.h"

namespace lgen::lua {

struct Host;

struct PromState {
  explicit PromState(Host& host_in) : host(host_in) {}

  /// The background rounds. Not for `lgen check`, which has no network.
  void start();
  /// Completes when every target has had its first round, so that counters start before the load does; a slow page is
  /// waited for two seconds. Pods without a page are told, and the target goes on trying.
  Op first_pages(std::function<void()> done);
  /// One more round of every target, so that what the load has done last is counted, too; for two seconds at most.
  Op last_pages(std::function<void()> done);
  /// Notes on the pages that could not be read.
  void fill(Summary& summary) const;
  /// A threshold on what pages say can judge only those that were read, and only series that were kept. It fails where
  /// some are missing, but for a counter that is high enough without them.
  void qualify(const Threshold& threshold, ThresholdResult& result) const;
  /// Once a second: looks which targets' pages have been there since the last time.
  void look();
  /// Whether the pages behind a threshold have been there, any of them, in this second and the one before it: what a
  /// page says after a gap belongs to the gap as well.
  bool sees(const Threshold& threshold) const;
  void close();

  ScrapeTarget* find(std::string_view name) const;
  HttpClient& query_client();

  Host& host;
  std::vector<std::unique_ptr<ScrapeTarget>> targets;

 private:
  using Late = std::vector<const ScrapeTarget*>;
  Op every_target(bool fresh, std::function<void(const Late&)> done);
  void tell_silent_pods(const Late& late) const;

  struct Sight {
    bool now = true, whole = true;
  };

  std::unique_ptr<HttpClient> client_;
  std::map<const ScrapeTarget*, Sight> sights_;
  Late without_last_;  // whose last pages were given up
};

}  // namespace lgen::lua
