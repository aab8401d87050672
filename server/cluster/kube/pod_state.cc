// A kubelet's rules, as of Kubernetes 1.30 (pkg/kubelet/prober, pkg/kubelet/kuberuntime):
//  - Until the startup probe has passed neither of the others is asked, and the pod is not ready.
//  - A failed startup or liveness probe stops the container as a deletion does, hook and all; then it starts again.
//  - The grace period runs from the beginning of the hook. What is left of it after the hook, at least 2 s, is between
//    SIGTERM and SIGKILL.
//  - A container that ends is started again: at once for the first time, then after 10 s, 20 s, ... 300 s. One that ran
//    for ten minutes begins anew.
#include "pod_state.h"

#include <algorithm>

namespace lgen::kube {

namespace {

constexpr Duration kLeastGrace = std::chrono::seconds(2);
constexpr Duration kFirstBackOff = std::chrono::seconds(10), kLongestBackOff = std::chrono::seconds(300);
constexpr Duration kForgiven = 2 * kLongestBackOff;
constexpr std::array kUses = {ProbeUse::startup, ProbeUse::readiness, ProbeUse::liveness};

const std::optional<Probe>& probe_of(const PodTemplate& spec, ProbeUse use) {
  if (use == ProbeUse::startup) return spec.startup;
  return use == ProbeUse::readiness ? spec.readiness : spec.liveness;
}

}  // namespace

const char* to_string(ProbeUse use) {
  if (use == ProbeUse::startup) return "startup";
  return use == ProbeUse::readiness ? "readiness" : "liveness";
}

PodState::PodState(PodTemplate spec, TimePoint created)
    : spec_(std::move(spec)), created_(created), ready_changed_(created), start_at_(created) {}

std::vector<PodState::Ask> PodState::advance(TimePoint now) {
  std::vector<Ask> asks;
  if (phase_ == Phase::waiting && now >= start_at_) {
    phase_ = Phase::starting;
    asks.push_back({Ask::What::start});
  }
  if (ask_pre_stop_) asks.push_back({Ask::What::pre_stop});
  ask_pre_stop_ = false;
  if (phase_ == Phase::pre_stop && now >= std::min(pre_stop_until_, deadline_)) terminate(now);
  if (ask_terminate_) asks.push_back({Ask::What::terminate});
  ask_terminate_ = false;
  if (phase_ == Phase::terminating && !killed_ && now >= kill_at_) {
    killed_ = true;
    asks.push_back({Ask::What::kill});
  }
  ask_probes(now, asks);
  return asks;
}

TimePoint PodState::next() const {
  TimePoint next = kNever;
  if (phase_ == Phase::waiting) next = start_at_;
  if (phase_ == Phase::pre_stop) next = std::min(pre_stop_until_, deadline_);
  if (phase_ == Phase::terminating && !killed_) next = kill_at_;
  for (const ProbeUse use : kUses) {
    if (may_probe(use)) next = std::min(next, state_of(use)->next());
  }
  return next;
}

bool PodState::may_probe(ProbeUse use) const {
  if (!state_of(use)) return false;
  const bool runs = phase_ == Phase::running;
  if (use == ProbeUse::startup) return runs && !startup_passed_;
  // Readiness is asked to the end: its loss is what tells balancers of a drain.
  const bool lives = runs || phase_ == Phase::pre_stop || phase_ == Phase::terminating;
  return startup_passed_ && (use == ProbeUse::readiness ? lives : runs);
}

void PodState::ask_probes(TimePoint now, std::vector<Ask>& asks) {
  for (const ProbeUse use : kUses) {
    if (!may_probe(use) || now < state_of(use)->next()) continue;
    state_of(use)->begin(now);
    asks.push_back({Ask::What::probe, use});
  }
}

void PodState::started(TimePoint now) {
  ++starts_;
  phase_ = Phase::running;
  started_at_ = now;
  failed_probe_.reset();
  killed_ = false;
  for (const ProbeUse use : kUses) {
    const auto& probe = probe_of(spec_, use);
    state_of(use) = probe ? std::optional(ProbeState(*probe, now)) : std::nullopt;
  }
  startup_passed_ = !spec_.startup;
  if (startup_passed_ && !spec_.readiness) set_ready(true, now);
}

void PodState::exited(TimePoint now) {
  last_exit_ = now;
  set_ready(false, now);
  ask_pre_stop_ = ask_terminate_ = false;
  if (deleting_) {
    phase_ = Phase::gone;
    return;
  }
  phase_ = Phase::waiting;
  start_at_ = now + back_off(now);
}

Duration PodState::back_off(TimePoint now) {
  if (now - started_at_ >= kForgiven) crashes_ = 0;
  const int before = crashes_++;
  if (before == 0) return Duration::zero();
  return std::min(kLongestBackOff, kFirstBackOff * (1 << std::min(before - 1, 10)));
}

void PodState::probed(ProbeUse use, bool ok, TimePoint now) {
  if (!state_of(use)) return;
  const auto verdict = state_of(use)->done(ok);
  if (verdict == ProbeState::Verdict::none || !may_probe(use)) return;
  const bool passed = verdict == ProbeState::Verdict::success;
  if (use == ProbeUse::readiness) return set_ready(passed, now);
  if (!passed) {
    failed_probe_ = use;
    return begin_stop(now, spec_.grace);
  }
  if (use == ProbeUse::liveness) return;
  startup_passed_ = true;
  for (const ProbeUse other : {ProbeUse::readiness, ProbeUse::liveness}) {
    if (state_of(other)) state_of(other)->hold_until(now);
  }
  if (!spec_.readiness) set_ready(true, now);
}

void PodState::remove(TimePoint now, std::optional<Duration> grace) {
  const Duration granted = grace.value_or(spec_.grace);
  const bool was_deleting = std::exchange(deleting_, true);
  if (phase_ == Phase::waiting) {
    phase_ = Phase::gone;
  } else if (phase_ == Phase::running || phase_ == Phase::starting) {
    begin_stop(now, granted);
  } else if (was_deleting || grace) {
    // A shorter grace counts, a longer one comes too late.
    deadline_ = std::min(deadline_, now + granted);
    kill_at_ = std::min(kill_at_, now + granted);
  }
}

void PodState::begin_stop(TimePoint now, Duration grace) {
  deadline_ = now + grace;
  kill_at_ = kNever;
  const bool sleeps = spec_.pre_stop.kind == PreStop::Kind::sleep;
  if (spec_.pre_stop.kind == PreStop::Kind::none || grace == Duration::zero()) return terminate(now);
  phase_ = Phase::pre_stop;
  pre_stop_until_ = sleeps ? now + spec_.pre_stop.sleep : kNever;
  ask_pre_stop_ = !sleeps;
}

void PodState::pre_stop_done(TimePoint now) {
  if (phase_ == Phase::pre_stop) terminate(now);
}

void PodState::terminate(TimePoint now) {
  phase_ = Phase::terminating;
  ask_terminate_ = true;
  kill_at_ = std::max(deadline_, now + kLeastGrace);
}

void PodState::set_ready(bool ready, TimePoint now) {
  if (std::exchange(ready_, ready) != ready) ready_changed_ = now;
}

std::string PodState::status() const {
  if (deleting_) return "Terminating";
  if (phase_ == Phase::waiting || phase_ == Phase::starting) {
    return last_exit_ ? "CrashLoopBackOff" : "ContainerCreating";
  }
  return "Running";
}

}  // namespace lgen::kube
