// lgen.cluster: what the stand-in cluster tells of its pods, so that a plan can say when and why they came and went.
#include <fmt/format.h>

#include "host.h"
#include "lgen/http.h"
#include "modules.h"
#include "prom_wait.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr std::string_view kDiscovery = "sd+";

/// lgen-cluster serves its events beside its service discovery.
Result<std::string> events_url(std::string_view where) {
  const bool discovery = where.starts_with(kDiscovery);
  auto url = parse_url(discovery ? where.substr(kDiscovery.size()) : where);
  if (!url) return url.error();
  if (discovery) url->target = "/events";
  return url->text();
}

int events(lua_State* L) {
  const std::string_view where = check_string(L, 1, "lgen.cluster.events: where");
  const auto url = events_url(where);
  if (url) return await_events(L, *url);
  lua_pushnil(L);
  push_error(L, "NOT_FOUND", 5,
             fmt::format("no cluster tells its events at {}; lgen-cluster -f does, at URL/events", where), "status");
  return 2;
}

constexpr Binding kCluster[] = {
    {"events", events, "fun(where: string): lgen.ClusterEvent[]?, lgen.Error?",
     "[Y R E] What has happened in an lgen-cluster with manifests since it started, the oldest first. `where`: its "
     "events' URL, or sd+URL of its service discovery, as lgen.metrics has it with --local=manifests=PATH and with "
     "--metrics sd+URL. Elsewhere there are none: nil, err."},
};

constexpr Key kEventKeys[] = {
    {"event", "string",
     "pod_created, pod_started, probe_failed, pod_ready, pod_not_ready, endpoint_added, pod_first_request, "
     "pod_draining, endpoint_removed, pod_stopping, pod_killed, pod_stopped, pod_crashed, pod_gone, hpa, scaled, "
     "rollout_started, rollout_complete, started, ready, …",
     true},
    {"at", "number", "seconds since the start of the run; less than 0: before it", true},
    {"unix_seconds", "number", "when, as lgen.time() counts", true},
    {"cluster_seconds", "number", "since the cluster's start, in its own time (--time-scale)", true},
    {"pod", "string", "of pods' events"},
    {"why", "string", "of many"},
};
constexpr KeySet kEvent{"lgen.ClusterEvent", kEventKeys};
constexpr KeySet kTables[] = {kEvent};

}  // namespace

const Module kClusterModule{.name = "lgen.cluster",
                            .doc = "The stand-in cluster (lgen-cluster -f), where there is one.",
                            .bindings = kCluster,
                            .option_tables = kTables};

}  // namespace lgen::lua
