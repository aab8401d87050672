// How many pods Kubernetes' HorizontalPodAutoscaler (autoscaling/v2) wants, as pure functions of pods, metrics, spec
// and history. The arithmetic is that of its controller (kubernetes/pkg/controller/podautoscaler, 1.33), described in
// https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/.
// Thread: values.
// Units: metrics and their targets in thousandths (CPU: millicores), as Kubernetes computes; utilization in percent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/time.h"

namespace lgen::hpa {

struct Metric {
  enum class Type { resource, pods, object, external };
  enum class Target {
    utilization,    // percent of what the pods request; resource only
    average_value,  // for each pod
    value,          // of the whole; object, external
  };
  Type type = Type::pods;
  std::string name;
  Target target = Target::average_value;
  std::int64_t goal = 0;
};

/// At most `value` pods, or percent of the pods, more or less within `period`.
struct Policy {
  enum class Type { pods, percent };
  Type type = Type::percent;
  std::int64_t value = 100;
  Duration period = std::chrono::seconds(15);
};

constexpr Duration kLongestPeriod = std::chrono::seconds(1800);         // of a policy; Kubernetes takes no longer one
constexpr Duration kLongestStabilization = std::chrono::seconds(3600);  // likewise

/// Of several policies: the one that allows the most or the least change, or no change at all.
enum class Select { max, min, disabled };

struct Rules {
  std::vector<Policy> policies;
  Select select = Select::max;
  std::optional<Duration> stabilization;  // nothing: Controller's, when scaling down
  std::optional<double> tolerance;        // nothing: Controller's
};

/// What a direction of `behavior` is when it leaves everything out.
Rules default_up();    // 4 pods or 100 % in 15 s, whatever is more; at once
Rules default_down();  // 100 % in 15 s, after the stabilization window

struct Behavior {
  Rules up = default_up();
  Rules down = default_down();
};

struct Spec {
  int min = 1;
  int max = 1;
  std::vector<Metric> metrics;
  std::optional<Behavior> behavior;
};

/// Flags of kube-controller-manager (--horizontal-pod-autoscaler-...), with its defaults.
struct Controller {
  double tolerance = 0.1;
  Duration sync_period = std::chrono::seconds(15);
  Duration downscale_stabilization = std::chrono::seconds(300);
  Duration cpu_initialization_period = std::chrono::seconds(300);
  Duration initial_readiness_delay = std::chrono::seconds(30);
};

/// A pod as its status says; times are spans up to now.
struct Pod {
  bool ready = true;
  bool pending = false;   // no container has started yet
  bool deleting = false;  // or failed: it counts for nothing
  Duration age = std::chrono::hours(1);
  Duration since_ready_changed = std::chrono::hours(1);
  std::int64_t cpu_request = 0;  // 0: none
};

struct Sample {
  std::int64_t value = 0;
  Duration age{0};     // its end
  Duration window{0};  // what it is an average over
};

/// What one metric says now.
struct Reading {
  std::vector<std::optional<Sample>> of_pods;  // resource, pods: in the order of the pods
  std::optional<std::int64_t> value;           // object, external
};

/// What one metric asks for.
struct Proposal {
  int replicas = 0;
  std::int64_t usage = 0;  // what is compared with the goal: percent, average or value
};

/// Replicas for one metric, before any limit. Errors: no sample that counts, a CPU request that is missing.
Result<Proposal> propose(const Metric& metric, const Reading& reading, const std::vector<Pod>& pods, int current,
                         const Spec& spec = {}, const Controller& controller = {});

/// Replicas that were asked for, or by how many they were changed, at some time.
struct Mark {
  TimePoint at;
  int replicas = 0;
};

/// What the controller remembers. The caller keeps it, decide() writes it.
struct History {
  bool begun = false;  // what the first round finds counts as a recommendation
  std::vector<Mark> recommendations;
  std::vector<Mark> added, removed;
};

/// A number of replicas and Kubernetes' reason for it.
struct Limited {
  int replicas = 0;
  std::string_view reason;  // "DesiredWithinRange", "ScaleUpLimit", ...
};

/// What recent recommendations leave of `desired`.
int stabilize(int current, int desired, const Spec& spec, const Controller& controller, const History& history,
              TimePoint now);
/// What min, max and the rules for one step leave of `desired`.
Limited limit(int current, int desired, const Spec& spec, const History& history, TimePoint now);

struct Condition {
  bool is_true = false;
  std::string reason, message;
};

struct Decision {
  int desired = 0;
  std::vector<Result<Proposal>> proposals;  // in the order of the metrics; empty when none was asked
  Condition able_to_scale, scaling_active, scaling_limited;
  std::string cause;  // of a change, in Kubernetes' words
};

struct Observation {
  TimePoint now;
  int replicas = 0;  // that the scaled object has now
  std::vector<Pod> pods;
  std::vector<Reading> readings;  // in the order of Spec::metrics
};

/// One round of the controller. Assumes that a change is carried out, and notes it in `history`.
Decision decide(const Spec& spec, const Controller& controller, const Observation& seen, History& history);

/// What keeps the replicas or moves them, in Kubernetes' words: "DesiredWithinRange", "load above target", ...
std::string explain(const Decision& decision);

/// "cpu resource utilization (percentage of request)", "pods metric grpc_server_active_streams", ...
std::string describe(const Metric& metric);

}  // namespace lgen::hpa
