// One HorizontalPodAutoscaler at work: asks the arithmetic of lgen/hpa.h every 15 s of the cluster's time.
//
// *Thread:* the loop's.
#pragma once

#include <vector>

#include "columns.h"
#include "event_log.h"
#include "kube_pod.h"
#include "objects.h"

namespace lgen::cluster {

class Autoscaling {
 public:
  Autoscaling(kube::Autoscaler spec, TimePoint now) : spec_(std::move(spec)), created_(now), next_(now + period()) {}

  const kube::Autoscaler& spec() const { return spec_; }
  TimePoint next() const { return next_; }

  // One round over the Deployment's pods: how many there shall be. Writes an `hpa` event.
  int decide(int replicas, const std::vector<const KubePod*>& pods, TimePoint now, EventLog& events);

  kube::HpaRow row(int replicas, TimePoint now) const;

 private:
  Duration period() const { return controller_.sync_period; }
  Facts facts(int replicas, const hpa::Decision& decision) const;

  kube::Autoscaler spec_;
  hpa::Controller controller_;
  hpa::History history_;
  std::vector<Result<hpa::Proposal>> proposals_;
  TimePoint created_, next_;
};

}  // namespace lgen::cluster
