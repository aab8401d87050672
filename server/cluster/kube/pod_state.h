// A pod from its creation to its end, as a kubelet leads it: told what has happened and what time it is, it says what
// is to be done.
//
// *Thread:* a plain object that is told the time. *Units:* times of the cluster.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "objects.h"
#include "probe_state.h"

namespace lgen::kube {

enum class ProbeUse { startup, readiness, liveness };
const char* to_string(ProbeUse use);

class PodState {
 public:
  enum class Phase {
    waiting,      // for a start, the first or one after the back-off
    starting,     // asked for
    running,      // the container runs
    pre_stop,     // its hook runs
    terminating,  // SIGTERM was sent
    gone
  };

  struct Ask {
    enum class What { start, pre_stop, terminate, kill, probe };
    What what;
    ProbeUse probe = ProbeUse::readiness;
    bool operator==(const Ask&) const = default;
  };

  PodState(PodTemplate spec, TimePoint created);

  // What is to be done now. Call it after every event and at `next()`.
  std::vector<Ask> advance(TimePoint now);
  TimePoint next() const;

  // What has happened. A failed start is a start and an exit.
  void started(TimePoint now);
  void exited(TimePoint now);
  void probed(ProbeUse use, bool ok, TimePoint now);
  void pre_stop_done(TimePoint now);
  // `grace` instead of the template's.
  void remove(TimePoint now, std::optional<Duration> grace = std::nullopt);

  const PodTemplate& spec() const { return spec_; }
  Phase phase() const { return phase_; }
  bool gone() const { return phase_ == Phase::gone; }
  bool deleting() const { return deleting_; }
  bool ready() const { return ready_; }
  bool in_service() const { return ready_ && !deleting_; }
  bool ever_started() const { return starts_ > 0; }
  TimePoint created() const { return created_; }
  TimePoint ready_changed() const { return ready_changed_; }
  int restarts() const { return starts_ > 1 ? starts_ - 1 : 0; }
  std::optional<TimePoint> last_exit() const { return last_exit_; }
  TimePoint start_at() const { return start_at_; }
  // Why the container is being stopped although the pod is not: the probe that failed.
  std::optional<ProbeUse> failed_probe() const { return failed_probe_; }
  std::string status() const;  // kubectl's word: "Running", "CrashLoopBackOff", ...

 private:
  std::optional<ProbeState>& state_of(ProbeUse use) { return probes_[static_cast<std::size_t>(use)]; }
  const std::optional<ProbeState>& state_of(ProbeUse use) const { return probes_[static_cast<std::size_t>(use)]; }
  bool may_probe(ProbeUse use) const;
  void ask_probes(TimePoint now, std::vector<Ask>& asks);
  void begin_stop(TimePoint now, Duration grace);
  void terminate(TimePoint now);
  void set_ready(bool ready, TimePoint now);
  Duration back_off(TimePoint now);

  PodTemplate spec_;
  TimePoint created_, ready_changed_;
  Phase phase_ = Phase::waiting;
  bool deleting_ = false, ready_ = false;
  bool startup_passed_ = false;
  int starts_ = 0;
  int crashes_ = 0;  // in a row, for the back-off
  TimePoint start_at_, started_at_;
  std::optional<TimePoint> last_exit_;
  std::optional<ProbeUse> failed_probe_;
  std::array<std::optional<ProbeState>, 3> probes_;
  // While it is stopped.
  TimePoint deadline_, pre_stop_until_, kill_at_;
  bool ask_pre_stop_ = false, ask_terminate_ = false, killed_ = false;
};

}  // namespace lgen::kube
