#include "autoscaling.h"

#include <utility>

namespace lgen::cluster {

namespace {

constexpr std::size_t kRescalesKept = 20;

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
    const bool percent = metric.target == hpa::Metric::Target::utilization;
    const double unit = percent ? 1 : 1000;  // the arithmetic's are thousandths
    if (percent) facts["unit"] = "percent";
    facts["usage"] = static_cast<double>(proposal->usage) / unit;
    facts["goal"] = static_cast<double>(metric.goal) / unit;
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
  last_ = hpa::decide(spec_.spec, controller_, seen, history_);
  found_ = replicas;
  next_ = now + period();
  note_rescale(now);
  events.write("hpa", facts());
  return last_.desired;
}

void Autoscaling::note_rescale(TimePoint now) {
  if (last_.desired == found_) return;
  if (rescales_.size() == kRescalesKept) rescales_.pop_front();
  rescales_.push_back({now, last_.desired, last_.cause});
}

Facts Autoscaling::facts() const {
  Facts facts = {{"hpa", spec_.name},
                 {"deployment", spec_.deployment},
                 {"replicas", found_},
                 {"desired", last_.desired},
                 {"targets", kube::targets(spec_.spec, last_.proposals)}};
  if (!last_.cause.empty()) facts["cause"] = last_.cause;
  for (const auto& [name, condition] :
       {std::pair("able_to_scale", &last_.able_to_scale), std::pair("scaling_active", &last_.scaling_active),
        std::pair("scaling_limited", &last_.scaling_limited)}) {
    if (condition->reason.empty()) continue;
    facts[name] = {{"status", condition->is_true}, {"reason", condition->reason}, {"message", condition->message}};
  }
  facts["metrics"] = Facts::array();
  for (std::size_t i = 0; i < last_.proposals.size(); ++i) {
    facts["metrics"].push_back(metric_facts(spec_.spec.metrics[i], last_.proposals[i]));
  }
  return facts;
}

kube::HpaView Autoscaling::view(TimePoint now) const {
  kube::HpaView view{spec_.name, spec_.deployment, spec_.spec, last_, found_, {}, now - created_};
  for (const Rescale& one : rescales_) view.rescales.push_back({now - one.at, one.replicas, one.reason});
  return view;
}

}  // namespace lgen::cluster
