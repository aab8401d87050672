#include <map>

#include "catch.h"
#include "endpoint_state.h"
#include "pod_state.h"

namespace lgen::kube {
namespace {

using namespace std::chrono_literals;
using Ask = PodState::Ask;
using What = Ask::What;

const TimePoint kStart = TimePoint(24h);

// A pod with a clock that is set by hand.
struct Pod {
  explicit Pod(PodTemplate spec = {}) : state(std::move(spec), kStart) {}

  std::vector<Ask> at(Duration offset) {
    now = kStart + offset;
    return state.advance(now);
  }
  // Started, with what is asked for at once.
  std::vector<Ask> start() {
    CHECK(at(0s) == std::vector<Ask>{{What::start}});
    state.started(now);
    return at(0s);
  }
  std::vector<Ask> probed(ProbeUse use, bool ok) {
    state.probed(use, ok, now);
    return state.advance(now);
  }
  std::vector<Ask> remove() {
    state.remove(now);
    return state.advance(now);
  }
  Duration next() const { return state.next() - kStart; }

  PodState state;
  TimePoint now = kStart;
};

Probe probe(Duration period, int failures = 3, int successes = 1, Duration initial = 0s) {
  Probe one;
  one.period = period;
  one.failure_threshold = failures;
  one.success_threshold = successes;
  one.initial_delay = initial;
  return one;
}

PodTemplate with_readiness(Probe readiness) {
  PodTemplate spec;
  spec.readiness = readiness;
  return spec;
}

const std::vector<Ask> kNothing;
const std::vector<Ask> kReadiness = {{What::probe, ProbeUse::readiness}};
const std::vector<Ask> kTerminate = {{What::terminate}};
const std::vector<Ask> kKill = {{What::kill}};

TEST_CASE("a pod without probes is ready as soon as its container runs") {
  Pod pod;
  CHECK_FALSE(pod.state.ready());
  CHECK(pod.state.status() == "ContainerCreating");
  CHECK(pod.start() == kNothing);
  CHECK(pod.state.in_service());
  CHECK(pod.state.status() == "Running");
}

TEST_CASE("a readiness probe is asked after its delay and then in its period, and takes its thresholds") {
  Pod pod(with_readiness(probe(5s, 2, 2, 3s)));
  CHECK(pod.start() == kNothing);
  CHECK(pod.next() == 3s);
  CHECK(pod.at(3s) == kReadiness);
  CHECK(pod.next() == kNever - kStart);  // none while one runs
  pod.probed(ProbeUse::readiness, true);
  CHECK_FALSE(pod.state.ready());
  CHECK(pod.at(7s) == kNothing);
  CHECK(pod.at(8s) == kReadiness);
  pod.probed(ProbeUse::readiness, true);
  CHECK(pod.state.ready());
  CHECK(pod.state.ready_changed() == kStart + 8s);
  pod.at(13s);
  pod.probed(ProbeUse::readiness, false);
  CHECK(pod.state.ready());
  pod.at(18s);
  pod.probed(ProbeUse::readiness, false);
  CHECK_FALSE(pod.state.ready());
}

TEST_CASE("one success between failures starts their count anew") {
  ProbeState state(probe(1s, 3), kStart);
  for (const bool ok : {false, false, true, false, false}) CHECK(state.done(ok) != ProbeState::Verdict::failure);
  CHECK(state.done(false) == ProbeState::Verdict::failure);
}

TEST_CASE("a slow answer does not put off the probes after it") {
  ProbeState state(probe(5s), kStart);
  state.begin(kStart);
  state.done(true);
  CHECK(state.next() == kStart + 5s);
  state.begin(kStart + 5s);
  CHECK(state.next() == kNever);
}

TEST_CASE("until the startup probe has passed nothing else is asked") {
  PodTemplate spec = with_readiness(probe(5s));
  spec.startup = probe(1s, 30);
  spec.liveness = probe(10s);
  Pod pod(spec);
  CHECK(pod.start() == std::vector<Ask>{{What::probe, ProbeUse::startup}});
  CHECK(pod.probed(ProbeUse::startup, false) == kNothing);
  CHECK(pod.at(1s) == std::vector<Ask>{{What::probe, ProbeUse::startup}});
  CHECK(pod.probed(ProbeUse::startup, true) ==
        std::vector<Ask>{{What::probe, ProbeUse::readiness}, {What::probe, ProbeUse::liveness}});
  CHECK_FALSE(pod.state.ready());
  pod.probed(ProbeUse::readiness, true);
  CHECK(pod.state.ready());
  CHECK(pod.at(2s) == kNothing);  // the startup probe is over
}

TEST_CASE("a failed startup or liveness probe stops the container with its hook and starts another") {
  for (const ProbeUse use : {ProbeUse::startup, ProbeUse::liveness}) {
    PodTemplate spec;
    (use == ProbeUse::startup ? spec.startup : spec.liveness) = probe(10s, 1);
    spec.pre_stop = {.kind = PreStop::Kind::sleep, .sleep = 5s};
    Pod pod(spec);
    CHECK(pod.start() == std::vector<Ask>{{What::probe, use}});
    CHECK(pod.probed(use, false) == kNothing);
    CHECK(pod.state.failed_probe() == use);
    CHECK(pod.state.phase() == PodState::Phase::pre_stop);
    CHECK(pod.at(5s) == kTerminate);
    pod.state.exited(pod.now);
    CHECK_FALSE(pod.state.gone());
    CHECK(pod.at(5s) == std::vector<Ask>{{What::start}});  // the first time without a back-off
    pod.state.started(pod.now);
    CHECK(pod.state.restarts() == 1);
    CHECK_FALSE(pod.state.failed_probe());
  }
}

TEST_CASE("a deleted pod: hook, SIGTERM, SIGKILL when the grace period is over") {
  PodTemplate spec;
  spec.grace = 30s;
  spec.pre_stop = {.kind = PreStop::Kind::sleep, .sleep = 10s};
  Pod pod(spec);
  pod.start();
  CHECK(pod.remove() == kNothing);
  CHECK(pod.state.deleting());
  CHECK(pod.state.ready());
  CHECK_FALSE(pod.state.in_service());
  CHECK(pod.state.status() == "Terminating");
  CHECK(pod.next() == 10s);
  CHECK(pod.at(10s) == kTerminate);
  CHECK(pod.next() == 30s);
  CHECK(pod.at(29s) == kNothing);
  CHECK(pod.at(30s) == kKill);
  CHECK(pod.at(31s) == kNothing);  // once
  pod.state.exited(pod.now);
  CHECK(pod.state.gone());
}

TEST_CASE("an exec hook ends when it says so; SIGTERM follows at once") {
  PodTemplate spec;
  spec.pre_stop.kind = PreStop::Kind::exec;
  Pod pod(spec);
  pod.start();
  CHECK(pod.remove() == std::vector<Ask>{{What::pre_stop}});
  CHECK(pod.at(4s) == kNothing);
  pod.state.pre_stop_done(pod.now);
  CHECK(pod.at(4s) == kTerminate);
  CHECK(pod.next() == 30s);
}

TEST_CASE("a hook longer than the grace period is cut off, and 2 s are left for the end") {
  PodTemplate spec;
  spec.grace = 30s;
  spec.pre_stop.kind = PreStop::Kind::exec;
  Pod pod(spec);
  pod.start();
  pod.remove();
  CHECK(pod.at(30s) == kTerminate);
  CHECK(pod.at(31s) == kNothing);
  CHECK(pod.at(32s) == kKill);
}

TEST_CASE("a second deletion with a shorter grace counts, a longer one does not") {
  Pod pod;
  pod.start();
  CHECK(pod.remove() == kTerminate);
  CHECK(pod.next() == 30s);
  pod.state.remove(pod.now, 60s);
  CHECK(pod.next() == 30s);
  pod.state.remove(pod.now, 5s);
  CHECK(pod.next() == 5s);
}

TEST_CASE("a pod that is deleted while it waits for its restart is gone at once") {
  Pod pod;
  pod.start();
  pod.state.exited(pod.now);
  pod.remove();
  CHECK(pod.state.gone());
}

TEST_CASE("readiness is asked to the end, liveness not") {
  PodTemplate spec = with_readiness(probe(5s, 1));
  spec.liveness = probe(5s);
  Pod pod(spec);
  pod.start();
  pod.probed(ProbeUse::readiness, true);
  pod.probed(ProbeUse::liveness, true);
  pod.remove();
  CHECK(pod.at(5s) == kReadiness);
  pod.probed(ProbeUse::readiness, false);
  CHECK_FALSE(pod.state.ready());
}

TEST_CASE("restarts come at once, then after 10 s doubling to 300 s, and anew after ten good minutes") {
  Pod pod;
  pod.start();
  Duration time = 0s;
  for (const Duration wait : {0s, 10s, 20s, 40s, 80s, 160s, 300s, 300s}) {
    pod.now = kStart + time;
    pod.state.exited(pod.now);
    CHECK(pod.state.status() == "CrashLoopBackOff");
    CHECK(pod.next() == time + wait);
    if (wait > 0s) CHECK(pod.at(time + wait - 1s) == kNothing);
    CHECK(pod.at(time + wait) == std::vector<Ask>{{What::start}});
    pod.state.started(pod.now);
    time += wait + 1s;
  }
  CHECK(pod.state.restarts() == 8);
  pod.now = kStart + time + 600s;
  pod.state.exited(pod.now);
  CHECK(pod.next() == time + 600s);
}

TEST_CASE("an exit makes a pod unready, and a late probe's result changes nothing") {
  Pod pod(with_readiness(probe(5s)));
  pod.start();
  pod.probed(ProbeUse::readiness, true);
  pod.state.exited(pod.now);
  CHECK_FALSE(pod.state.ready());
  pod.state.probed(ProbeUse::readiness, true, pod.now);
  CHECK_FALSE(pod.state.ready());
}

TEST_CASE("balancers hear of a change after a delay, and not of one that was taken back") {
  EndpointState endpoint;
  endpoint.update(true, kStart, 2s);
  CHECK(endpoint.next() == kStart + 2s);
  CHECK_FALSE(endpoint.advance(kStart + 1s));
  CHECK(endpoint.advance(kStart + 2s) == true);
  CHECK(endpoint.known());
  endpoint.update(false, kStart + 5s, 2s);
  endpoint.update(true, kStart + 6s, 2s);
  CHECK(endpoint.next() == kNever);
  CHECK(endpoint.known());
  endpoint.update(false, kStart + 7s, 0s);
  CHECK(endpoint.advance(kStart + 7s) == false);
}

}  // namespace
}  // namespace lgen::kube
