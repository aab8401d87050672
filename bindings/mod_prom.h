// What a plan watches of the system under test: its scrape targets, and who asks Prometheus.
// Thread: the loop's.
// Lifetime: owned by the Host; close() must run before the loop ends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lgen/http.h"
#include "lgen/op.h"
#include "lgen/scrape.h"

namespace lgen::lua {

struct Host;

struct PromState {
  explicit PromState(Host& host_in) : host(host_in) {}

  /// The background rounds. Not for `lgen check`, which has no network.
  void start();
  /// Completes when every target has had its first round, so that counters start before the load does. A target
  /// without a page is told, and goes on trying.
  Op first_pages(std::function<void()> done);
  /// One more round of every target, so that what the load has done last is counted, too.
  Op last_pages(std::function<void()> done);
  void close();

  ScrapeTarget* find(std::string_view name) const;
  HttpClient& query_client();

  Host& host;
  std::vector<std::unique_ptr<ScrapeTarget>> targets;

 private:
  Op every_target(bool fresh, std::function<void()> done);
  void tell_silent_targets() const;

  std::unique_ptr<HttpClient> client_;
};

}  // namespace lgen::lua
