#include "autoscaling.h"

#include <utility>

namespace lgen::cluster {

namespace {

hpa::Pod view_of(const KubePod& pod, TimePoint now) {
  const kube::PodState& state = pod.state();
  return {.ready = state.ready(),
          .pending = !state.ever_started(),
          .deleting = state.deleting(),
          .age = now - state.created(),
          .since_ready_changed = now - state.ready_changed(),
          .cpu_request = state.spec().cpu_request};
}

// Why a metric has no value, in the words of its pods' scrapes, is in their events; here is what the HPA makes of it.
Facts metric_facts(const hpa::Metric& metric, const Result<hpa::Proposal>& proposal) {
  Facts facts = {{"metric", hpa::describe(metric)}};
  if (proposal.ok()) {
    facts["usage"] = proposal->usage;
    facts["goal"] = metric.goal;
    facts["replicas"] = proposal->replicas;
  } else {
    facts["error"] = proposal.error().message;
  }
  return facts;
}

}  // namespace

int Autoscaling::decide(int replicas, const std::vector<const KubePod*>& pods, TimePoint now, EventLog& events) {
  hpa::Observation seen{.now = now, .replicas = replicas};
  std::vector<const kube::PodMetrics*> metrics;
  for (const KubePod* pod : pods) {
    seen.pods.push_back(view_of(*pod, now));
    metrics.push_back(&pod->metrics());
  }
  for (const hpa::Metric& metric : spec_.spec.metrics) {
    seen.readings.push_back(kube::read_metric(metric, metrics, now));
  }
  const hpa::Decision decision = hpa::decide(spec_.spec, controller_, seen, history_);
  proposals_ = decision.proposals;
  next_ = now + period();
  events.write("hpa", facts(replicas, decision));
  return decision.desired;
}

Facts Autoscaling::facts(int replicas, const hpa::Decision& decision) const {
  Facts facts = {{"hpa", spec_.name},
                 {"deployment", spec_.deployment},
                 {"replicas", replicas},
                 {"desired", decision.desired},
                 {"targets", kube::targets(spec_.spec, decision.proposals)}};
  if (!decision.cause.empty()) facts["cause"] = decision.cause;
  for (const auto& [name, condition] :
       {std::pair("able_to_scale", &decision.able_to_scale), std::pair("scaling_active", &decision.scaling_active),
        std::pair("scaling_limited", &decision.scaling_limited)}) {
    if (condition->reason.empty()) continue;
    facts[name] = {{"status", condition->is_true}, {"reason", condition->reason}, {"message", condition->message}};
  }
  facts["metrics"] = Facts::array();
  for (std::size_t i = 0; i < decision.proposals.size(); ++i) {
    facts["metrics"].push_back(metric_facts(spec_.spec.metrics[i], decision.proposals[i]));
  }
  return facts;
}

kube::HpaRow Autoscaling::row(int replicas, TimePoint now) const {
  return {spec_.name, spec_.deployment, spec_.spec, proposals_, replicas, now - created_};
}

}  // namespace lgen::cluster
