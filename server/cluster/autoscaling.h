// One HorizontalPodAutoscaler at work: asks the arithmetic of lgen/hpa.h every 15 s of the cluster's time.
//
// *Thread:* the loop's.
#pragma once

#include <deque>
#include <string>
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

  kube::HpaView view(TimePoint now) const;

 private:
  struct Rescale {
    TimePoint at;
    int replicas = 0;
    std::string reason;
  };

  Duration period() const { return controller_.sync_period; }
  Facts facts() const;
  void note_rescale(TimePoint now);

  kube::Autoscaler spec_;
  hpa::Controller controller_;
  hpa::History history_;
  hpa::Decision last_;
  int found_ = 0;  // replicas, by the last round
  std::deque<Rescale> rescales_;
  TimePoint created_, next_;
};

}  // namespace lgen::cluster
