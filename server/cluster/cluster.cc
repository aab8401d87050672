#include "cluster.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <utility>

#include "descriptor_limit.h"
#include "error.h"
#include "haproxy_config.h"
#include "standard_streams.h"
#include "tcp_port.h"

namespace lgen::cluster {

namespace {

constexpr const char* kFrontAddress = "127.0.0.1";
constexpr const char* kLockDirectory = "/tmp";  // not TMPDIR: all clusters of the machine must meet in it
constexpr int kFirstInheritedFd = 3;
constexpr int kLogLinesShown = 10;
constexpr std::chrono::milliseconds kStopPatience{10000};

void say(const std::string& message) { server::complain("lgen-cluster: " + message); }

}  // namespace

Cluster::Cluster(uv_loop_t* loop, ClusterOptions options, Programs programs)
    : loop_(loop),
      options_(std::move(options)),
      programs_(std::move(programs)),
      log_directory_(options_.log_dir.empty() ? run_directory_.path() : make_log_directory(options_.log_dir)),
      block_(take_address_block(options_.base_ip, options_.pods, kLockDirectory)),
      listener_(listen_on(kFrontAddress, options_.port, "--port")),
      port_(port_of(listener_)),
      pem_(prepare_tls(options_, run_directory_.path())),
      sd_(loop, options_.sd_port),
      timer_(loop) {
  for (const PodSpec& spec : lay_out_pods(options_, block_.base_ip)) start_pod(spec);
  timer_.start(options_.ready_timeout, [this] { ready_timed_out(); });
}

void Cluster::start_pod(const PodSpec& spec) {
  const std::size_t index = pods_.size();
  const ChildSpec child{programs_.server,
                        pod_arguments(options_, spec),
                        fmt::format("{}/{}.log", log_directory_, spec.name),
                        {block_.lock.get()}};
  Pod::Events events{[this] { pod_ready(); }, [this, index](int status) { pod_gone(index, status); }};
  pods_.push_back(std::make_unique<Pod>(loop_, spec, child, std::move(events)));
  write_pid_file(spec.name, pods_.back()->pid());
}

void Cluster::start_balancer() {
  BalancerSpec spec{.balance = options_.balance,
                    .pods = lay_out_pods(options_, block_.base_ip),
                    .listener_fd = kFirstInheritedFd,
                    .run_dir = run_directory_.path(),
                    .pem = pem_,
                    .max_streams = options_.max_streams,
                    .max_connections = connections_for(raise_descriptor_limit()),
                    .threads = balancer_threads()};
  const HaproxySpec haproxy{programs_.haproxy, haproxy_config(spec), run_directory_.path(), {listener_.get()}};
  Haproxy::Events events{[this] { announce(); }, [this](int status) { balancer_gone(status); }};
  balancer_ = std::make_unique<Haproxy>(loop_, haproxy, std::move(events));
  write_pid_file("haproxy", balancer_->pid());
  // HAProxy's alone from now on: its end must end the port, not leave clients waiting in our queue.
  listener_.reset();
}

void Cluster::announce() {
  if (stopping_) return;
  timer_.stop();
  publish_pods();
  const std::string line = fmt::format(
      "lgen-cluster ready: address={}:{} balance={} pods={}{} base-ip={} sd={} run={} logs={}\n", kFrontAddress, port_,
      to_string(options_.balance), pods_.size(), options_.zones > 0 ? fmt::format(" zones={}", options_.zones) : "",
      block_.base_ip, sd_.url(), run_directory_.path(), log_directory_);
  // Nobody may be there to read it.
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

void Cluster::pod_ready() {
  const bool all = std::all_of(pods_.begin(), pods_.end(), [](const auto& pod) { return pod->ready(); });
  if (!all || stopping_) return;
  try {
    start_balancer();
  } catch (const ClusterError& e) {
    fail(e.what());
  }
}

void Cluster::pod_gone(std::size_t index, int status) {
  const Pod& pod = *pods_[index];
  if (stopping_) return end_if_all_gone();
  const std::string what = fmt::format("pod {} (pid {}) {}", pod.spec().name, pod.pid(), describe_exit(status));
  if (!pod.ready()) return fail(what + " before it was ready" + end_of_log(pod.log_path()));
  say(what);
  publish_pods();
}

void Cluster::balancer_gone(int status) {
  if (stopping_) {
    stop_pods();
    return end_if_all_gone();
  }
  fail(fmt::format("HAProxy (pid {}) {}{}", balancer_->pid(), describe_exit(status),
                   end_of_log(run_directory_.path() + "/haproxy.log")));
}

void Cluster::ready_timed_out() {
  std::string late;
  for (const auto& pod : pods_) {
    if (pod->ready()) continue;
    late += fmt::format("\n  {} ({}:{}/readyz: {}){}", pod->spec().name, pod->spec().ip, kMetricsPort,
                        pod->last_probe(), last_lines(pod->log_path(), kLogLinesShown));
  }
  fail(fmt::format("not ready after {:g} s, see --ready-timeout:{}", options_.ready_timeout.count() / 1000.0,
                   late.empty() ? " HAProxy" : late));
}

void Cluster::fail(const std::string& message) {
  say(message);
  exit_code_ = kExitFailed;
  if (!stopping_) stop();
}

void Cluster::stop() {
  if (stopping_) return kill_all();
  stopping_ = true;
  timer_.start(kStopPatience, [this] { kill_all(); });
  if (balancer_ != nullptr && balancer_->running()) {
    balancer_->send_signal(SIGTERM);
  } else {
    stop_pods();
  }
  end_if_all_gone();
}

void Cluster::stop_pods() {
  for (const auto& pod : pods_) pod->send_signal(SIGTERM);
}

void Cluster::kill_all() {
  if (balancer_ != nullptr) balancer_->send_signal(SIGKILL);
  for (const auto& pod : pods_) pod->send_signal(SIGKILL);
}

void Cluster::end_if_all_gone() {
  const bool pods_left = std::any_of(pods_.begin(), pods_.end(), [](const auto& pod) { return pod->running(); });
  if (pods_left || (balancer_ != nullptr && balancer_->running())) return;
  uv_stop(loop_);
}

void Cluster::publish_pods() {
  std::vector<PodSpec> running;
  for (const auto& pod : pods_) {
    if (pod->running()) running.push_back(pod->spec());
  }
  const std::string document = sd_document(running);
  sd_.set_documents({document, document});
}

void Cluster::write_pid_file(const std::string& name, pid_t pid) const {
  std::ofstream(fmt::format("{}/{}.pid", run_directory_.path(), name)) << pid << '\n';
}

}  // namespace lgen::cluster
