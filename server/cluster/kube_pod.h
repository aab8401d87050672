// One pod of a Deployment: its lgen-server, its probes, its hook and its metrics, as its PodState asks for them.
//
// *Thread:* the loop's. *Lifetime:* destruction kills what still runs.
#pragma once

#include <uv.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "child_process.h"
#include "cluster_clock.h"
#include "columns.h"
#include "endpoint_state.h"
#include "event_log.h"
#include "exchange.h"
#include "exec_run.h"
#include "lgen/exposition.h"
#include "pod_command.h"
#include "pod_metrics.h"
#include "pod_state.h"
#include "process_guard.h"
#include "rollout.h"

namespace lgen::cluster {

// What the pods of a cluster share.
class KubePod;

struct PodSurroundings {
  uv_loop_t* loop;
  const ClusterClock& clock;
  EventLog& events;
  ProcessGuard& guard;
  std::string program;  // lgen-server
  std::string run_dir, log_dir;
  int lock_fd;  // inherited: holds the addresses as long as a pod lives
  kube::Surroundings machine;
  Duration metric_lag;
  std::string command_path;    // PATH of hooks and exec probes
  std::function<void()> wake;  // something has happened: have turn() called soon
  std::function<void(const KubePod&, const std::string& how)> crashed;
};

class KubePod {
 public:
  KubePod(PodSurroundings& around, kube::PodIdentity identity, std::size_t slot, kube::PodTemplate spec);

  // Carries out what is due.
  void turn();
  TimePoint next() const;
  void remove(const std::string& why, std::optional<Duration> grace = std::nullopt);

  // Without its hook: the cluster itself ends.
  void shut_down();

  // One scrape for the autoscaler.
  void sample();

  const kube::PodIdentity& identity() const { return identity_; }
  const std::string& name() const { return identity_.name; }
  const std::string& log_path() const { return log_path_; }
  const kube::PodState& state() const { return state_; }
  const kube::PodMetrics& metrics() const { return metrics_; }
  kube::EndpointState& endpoint() { return endpoint_; }
  std::size_t slot() const { return slot_; }
  bool running() const { return process_ != nullptr && process_->running(); }
  pid_t pid() const { return process_ == nullptr ? -1 : process_->pid(); }
  void send_signal(int number);

  kube::PodRow row() const;
  kube::PodView view(Duration min_ready) const;

 private:
  void act(const kube::PodState::Ask& ask);
  void start();
  void exited(int status);
  void probe(kube::ProbeUse use);
  void probed(kube::ProbeUse use, const Answer& answer);
  void run_pre_stop();
  void note_readiness();
  void peek();
  void scrape(bool for_autoscaler);
  void scraped(Answer answer, const std::string& text, bool for_autoscaler);
  void note_first_request(const MetricsPage& page);
  void write(std::string_view event, Facts facts = Facts::object());
  ExecSpec exec_spec(const std::vector<std::string>& command, const char* what,
                     std::chrono::milliseconds timeout) const;
  std::unique_ptr<Dialogue> dialogue(const kube::Probe& probe) const;
  TimePoint now() const { return around_.clock.now(); }

  PodSurroundings& around_;
  kube::PodIdentity identity_;
  std::size_t slot_;
  kube::PodState state_;
  kube::EndpointState endpoint_;
  kube::PodMetrics metrics_;
  std::string log_path_;
  bool was_ready_ = false, first_request_seen_ = false, scrape_failed_ = false, scrapes_for_autoscaler_ = false;
  TimePoint next_peek_ = kNever;

  std::unique_ptr<ChildProcess> process_;
  struct Running {
    std::unique_ptr<Exchange> exchange;
    std::unique_ptr<ExecRun> exec;
  };
  std::array<Running, 3> probes_;
  std::array<std::string, 3> last_answers_;
  Running pre_stop_;
  std::unique_ptr<Exchange> scrape_;
};

}  // namespace lgen::cluster
