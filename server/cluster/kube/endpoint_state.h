// Whether balancers know of a pod: they hear of it a while after it has become ready, or has ceased to be.
//
// *Thread:* a plain object that is told the time.
#pragma once

#include <optional>

#include "lgen/time.h"

namespace lgen::kube {

class EndpointState {
 public:
  // `in_service` as it is now; a change becomes known `delay` later.
  void update(bool in_service, TimePoint now, Duration delay) {
    if (in_service == wanted_) return;
    wanted_ = in_service;
    due_ = wanted_ == known_ ? kNever : now + delay;
  }

  // The change that becomes known now, if any.
  std::optional<bool> advance(TimePoint now) {
    if (now < due_) return std::nullopt;
    due_ = kNever;
    known_ = wanted_;
    return known_;
  }

  TimePoint next() const { return due_; }
  bool known() const { return known_; }

 private:
  bool wanted_ = false, known_ = false;
  TimePoint due_ = kNever;
};

}  // namespace lgen::kube
