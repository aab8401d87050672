#include "probe_state.h"

#include <algorithm>

namespace lgen::kube {

void ProbeState::begin(TimePoint now) {
  running_ = true;
  // From probe to probe, as a kubelet's ticker: what a slow answer takes does not put off the ones after it.
  next_ = now + probe_.period;
}

void ProbeState::hold_until(TimePoint now) { next_ = std::max(next_, now); }

ProbeState::Verdict ProbeState::done(bool ok) {
  running_ = false;
  run_ = run_ > 0 && ok == last_ ? run_ + 1 : 1;
  last_ = ok;
  if (run_ < (ok ? probe_.success_threshold : probe_.failure_threshold)) return Verdict::none;
  return ok ? Verdict::success : Verdict::failure;
}

}  // namespace lgen::kube
