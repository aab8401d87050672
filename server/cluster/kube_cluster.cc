#include "kube_cluster.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <utility>

#include "error.h"
#include "kube_layout.h"
#include "room.h"
#include "scaled_sleep.h"
#include "standard_streams.h"

namespace lgen::cluster {

namespace {

constexpr const char* kLockDirectory = "/tmp";  // not TMPDIR: all clusters of the machine must meet in it
constexpr std::chrono::milliseconds kStopPatience{10000}, kFarewell{500};

void say(const std::string& message) { server::complain("lgen-cluster: " + message); }

std::vector<std::string> pod_flags(const ClusterOptions& options) {
  std::vector<std::string> flags = options.pod_flags;
  if (options.tls.given() && options.balance == Balance::kConnection) {
    flags.insert(flags.end(), {"--tls-cert", options.tls.cert, "--tls-key", options.tls.key});
  }
  return flags;
}

}  // namespace

KubeCluster::KubeCluster(uv_loop_t* loop, ClusterOptions options, Programs programs)
    : loop_(loop),
      options_(std::move(options)),
      programs_(std::move(programs)),
      manifests_(kube::read_manifests(options_.manifests, options_.deployments)),
      clock_(options_.time_scale),
      events_(clock_, STDOUT_FILENO),
      run_directory_(options_.manifests),
      log_directory_(options_.log_dir.empty() ? run_directory_.path() : make_log_directory(options_.log_dir)),
      block_(take_address_block(options_.base_ip, slots_for(manifests_, options_.base_ip), kLockDirectory)),
      slots_(lay_out_slots(options_, block_.base_ip, slots_for(manifests_, options_.base_ip))),
      fronts_(loop, options_, lay_out_fronts(manifests_, options_.service)),
      pem_(prepare_tls(options_, run_directory_.path())),
      sd_(loop, options_.sd_port, [this] { return events_.history(); }),
      dns_(loop, options_.dns_port, [this](const std::string& host) { return addresses_of(host); }),
      status_(loop, run_directory_.path() + "/status.sock", *this),
      turn_timer_(loop),
      stop_timer_(loop),
      around_{loop,
              clock_,
              events_,
              guard_,
              programs_.server,
              run_directory_.path(),
              log_directory_,
              block_.lock.get(),
              {},
              options_.metric_lag,
              command_path(run_directory_.path(), options_.time_scale),
              [this] { wake(); },
              [this](const KubePod& pod, const std::string& how) { note_crash(pod, how); }},
      next_sample_(clock_.now() + options_.scrape_interval) {
  services_ = local_services(manifests_, fronts_);
  around_.machine = {options_.time_scale, pod_flags(options_), services_, dns_.address()};
  for (const std::string& warning : check_room(manifests_, static_cast<int>(slots_.slots().size()))) say(warning);
  for (const std::string& line : kube::skipped_lines(manifests_.skipped)) say(line);
  fronts_.start(programs_.haproxy, run_directory_.path(), pem_, slots_,
                {[this] { begin(); }, [this] { wake(); }, [this](int status) { haproxy_gone(status); }, say});
  std::ofstream(run_directory_.path() + "/haproxy.pid") << fronts_.pid() << '\n';
}

// HAProxy answers: now there may be pods.
void KubeCluster::begin() {
  if (stopping_) return;
  Facts facts = {{"address", fronts_.address()},
                 {"balance", to_string(options_.balance)},
                 {"time_scale", clock_.scale()},
                 {"services", service_facts()},
                 {"dns", dns_.address()},
                 {"base_ip", block_.base_ip},
                 {"sd", sd_.url()},
                 {"target_sd", sd_.target_url()},
                 {"events", sd_.events_url()},
                 {"status", status_.path()},
                 {"run", run_directory_.path()},
                 {"logs", log_directory_},
                 {"skipped", Facts::array()}};
  for (const kube::Skipped& one : manifests_.skipped) {
    facts["skipped"].push_back({{"kind", one.kind}, {"name", one.name}, {"where", one.where}, {"why", one.why}});
  }
  events_.write("started", facts);
  for (const kube::Deployment& spec : manifests_.deployments) deployments_.push_back({spec, spec.replicas});
  for (const kube::Autoscaler& spec : manifests_.autoscalers) autoscalers_.emplace_back(spec, clock_.now());
  turn();
}

// Those with a port of HAProxy's first, then the headless ones.
Facts KubeCluster::service_facts() const {
  Facts list = fronts_.facts();
  for (const kube::Service& service : manifests_.services) {
    for (const kube::Deployment& deployment : manifests_.deployments) {
      if (!service.headless || !selects(service, deployment)) continue;
      for (const kube::ServicePort& port : service.ports) {
        list.push_back({{"service", service.name},
                        {"port", port.port},
                        {"deployment", deployment.name},
                        {"address", fmt::format("dns://{}/{}:{}", dns_.address(), service.name, port.port)}});
      }
    }
  }
  return list;
}

// Of a headless service's pods, as far as balancers know of them.
std::optional<std::vector<std::string>> KubeCluster::addresses_of(const std::string& host) const {
  const kube::LocalService* local = kube::find_service(host, services_);
  if (local == nullptr) return std::nullopt;
  if (!local->headless) return std::vector<std::string>{"127.0.0.1"};
  const auto service = std::find_if(manifests_.services.begin(), manifests_.services.end(),
                                    [&](const kube::Service& one) { return one.name == local->name; });
  std::vector<std::string> addresses;
  const auto add = [&](const kube::EndpointState& endpoint, const kube::PodIdentity& pod) {
    if (endpoint.known() && selects(*service, find_deployment(pod.deployment)->spec)) addresses.push_back(pod.ip);
  };
  for (const auto& pod : pods_) add(pod->endpoint(), pod->identity());
  for (const Departed& pod : departed_) add(pod.endpoint, pod.identity);
  return addresses;
}

// Events come from the middle of others' work: what follows from them is done in a turn of its own.
void KubeCluster::wake() {
  turn_timer_.start(std::chrono::milliseconds(0), [this] { turn(); });
}

void KubeCluster::turn() {
  turn_pods();
  remove_gone();
  turn_departed();
  if (stopping_) return end_if_all_gone();
  run_autoscalers();
  for (Running& deployment : deployments_) reconcile(deployment);
  turn_pods();
  remove_gone();
  turn_departed();
  if (clock_.now() >= next_sample_) {
    next_sample_ = clock_.now() + options_.scrape_interval;
    for (const auto& pod : pods_) pod->sample();
  }
  note_readiness();
  publish();
  status_.changed();
  events_.flush();
  note_unread_events();
  schedule();
}

void KubeCluster::schedule() {
  TimePoint next = next_sample_;
  for (const auto& pod : pods_) next = std::min(next, pod->next());
  for (const Departed& pod : departed_) next = std::min(next, pod.endpoint.next());
  for (const Autoscaling& autoscaler : autoscalers_) next = std::min(next, autoscaler.next());
  // A pod that is ready may become available without any event.
  for (const Running& deployment : deployments_) {
    if (deployment.spec.min_ready > Duration::zero()) next = std::min(next, clock_.now() + std::chrono::seconds(1));
  }
  turn_timer_.start(clock_.until(next), [this] { turn(); });
}

void KubeCluster::turn_pods() {
  for (const auto& pod : pods_) {
    // First what became due first: after a late timer, too, balancers hear of a pod's end before it ends.
    update_endpoint(pod->endpoint(), pod->identity(), pod->slot(), pod->state().in_service());
    if (!stopping_) pod->turn();
    update_endpoint(pod->endpoint(), pod->identity(), pod->slot(), pod->state().in_service());
  }
}

void KubeCluster::turn_departed() {
  for (auto pod = departed_.begin(); pod != departed_.end();) {
    update_endpoint(pod->endpoint, pod->identity, pod->slot, false);
    if (pod->endpoint.known()) {
      ++pod;
      continue;
    }
    slots_.give_back(pod->slot);
    pod = departed_.erase(pod);
  }
}

void KubeCluster::update_endpoint(kube::EndpointState& endpoint, const kube::PodIdentity& identity, std::size_t slot,
                                  bool in_service) {
  endpoint.update(in_service, clock_.now(), options_.endpoint_delay);
  const auto change = endpoint.advance(clock_.now());
  if (!change || stopping_) return;
  const PodSpec& server = slots_.at(slot);
  fronts_.set_member(identity.deployment, server, *change);
  events_.write(*change ? "endpoint_added" : "endpoint_removed", {{"pod", identity.name}, {"server", server.name}});
}

void KubeCluster::remove_gone() {
  for (auto pod = pods_.begin(); pod != pods_.end();) {
    if (!(*pod)->state().gone() || (*pod)->running()) {
      ++pod;
      continue;
    }
    events_.write("pod_gone", {{"pod", (*pod)->name()}, {"deployment", (*pod)->identity().deployment}});
    departed_.push_back({(*pod)->identity(), (*pod)->slot(), (*pod)->endpoint()});
    pod = pods_.erase(pod);
  }
}

void KubeCluster::reconcile(Running& deployment) {
  const kube::Wanted want = wanted(deployment);
  const auto before = views(deployment);
  note_rollout(deployment, want, before);
  const kube::Steps steps = kube::next_steps(want, before);
  for (const std::string& name : steps.remove) {
    const KubePod* pod = find_pod(name);
    const bool old = pod->identity().revision != deployment.revision;
    find_pod(name)->remove(old ? "replaced by a newer revision" : "fewer replicas are wanted");
  }
  for (int i = 0; i < steps.create; ++i) {
    if (!create_pod(deployment)) return;
  }
}

void KubeCluster::note_rollout(Running& deployment, const kube::Wanted& want, const std::vector<kube::PodView>& views) {
  if (!deployment.rolling || !kube::is_complete(want, views)) return;
  deployment.rolling = false;
  events_.write("rollout_complete", {{"deployment", deployment.spec.name}, {"revision", deployment.revision}});
}

bool KubeCluster::create_pod(Running& deployment) {
  const auto slot = slots_.take();
  if (!slot) {
    if (!std::exchange(waiting_for_address_, true)) {
      const std::string why = fmt::format("all {} addresses are taken", slots_.slots().size());
      events_.write("no_address", {{"deployment", deployment.spec.name}, {"why", why}});
      if (!std::exchange(said_no_address_, true)) {
        say(fmt::format("Deployment {} gets no further pod now: {}", deployment.spec.name, why));
      }
    }
    return false;
  }
  waiting_for_address_ = false;
  kube::PodIdentity identity{.name = pod_name(deployment.spec.name, deployment.revision, ++deployment.created),
                             .deployment = deployment.spec.name,
                             .ip = slots_.at(*slot).ip,
                             .zone = slots_.at(*slot).zone,
                             .revision = deployment.revision,
                             .template_hash = template_hash(deployment.spec.name, deployment.revision)};
  pods_.push_back(std::make_unique<KubePod>(around_, std::move(identity), *slot, deployment.spec.pod));
  return true;
}

void KubeCluster::run_autoscalers() {
  for (Autoscaling& autoscaler : autoscalers_) {
    if (clock_.now() < autoscaler.next()) continue;
    Running& deployment = *find_deployment(autoscaler.spec().deployment);
    const int desired = autoscaler.decide(deployment.replicas, pods_of(deployment.spec.name), clock_.now(), events_);
    set_replicas(deployment, desired, "hpa " + autoscaler.spec().name);
  }
}

void KubeCluster::set_replicas(Running& deployment, int replicas, const std::string& why) {
  const int before = std::exchange(deployment.replicas, replicas);
  if (before == replicas) return;
  events_.write("scaled", {{"deployment", deployment.spec.name}, {"from", before}, {"to", replicas}, {"why", why}});
}

// Once: every Deployment has had what it was given, or what its autoscaler wants at least.
void KubeCluster::note_readiness() {
  const auto has_enough = [this](const Running& deployment) {
    int least = deployment.replicas;
    for (const Autoscaling& autoscaler : autoscalers_) {
      if (autoscaler.spec().deployment == deployment.spec.name) least = std::max(least, autoscaler.spec().spec.min);
    }
    const auto pods = pods_of(deployment.spec.name);
    return std::count_if(pods.begin(), pods.end(), [](const KubePod* pod) { return pod->state().in_service(); }) >=
           least;
  };
  const auto known = [](const auto& pod) { return !pod->state().in_service() || pod->endpoint().known(); };
  if (announced_ready_ || !std::all_of(deployments_.begin(), deployments_.end(), has_enough)) return;
  if (!std::all_of(pods_.begin(), pods_.end(), known) || !fronts_.settled()) return;
  announced_ready_ = true;
  const auto behind =
      std::count_if(pods_.begin(), pods_.end(), [this](const auto& pod) { return is_behind_target(*pod); });
  events_.write("ready", {{"address", fronts_.address()}, {"pods", pods_.size()}, {"target_pods", behind}});
}

// Whether it is of the Deployment that --port is for.
bool KubeCluster::is_behind_target(const KubePod& pod) const {
  return pod.identity().deployment == fronts_.fronts().front().deployment;
}

void KubeCluster::publish() {
  std::vector<PodSpec> all, target;
  for (const auto& pod : pods_) {
    if (!pod->running()) continue;
    all.push_back({pod->name(), pod->identity().zone, pod->identity().ip, kube::metrics_port(pod->state().spec())});
    if (is_behind_target(*pod)) target.push_back(all.back());
  }
  sd_.set_documents({sd_document(all), sd_document(target)});
}

// Who reads the events decides how long there is a cluster, as with any program in a pipe; a full disk does not. One
// who goes away may be about to stop us: that needs no complaint.
void KubeCluster::note_unread_events() {
  const int trouble = events_.trouble();
  if (trouble == 0 || stopping_ || std::exchange(said_unread_, true)) return;
  if (trouble == EPIPE) return stop_timer_.start(kFarewell, [this] { end_unread(); });
  say(fmt::format("cannot write the events to stdout: {}; runs on, the events are at {}", std::strerror(trouble),
                  sd_.events_url()));
}

void KubeCluster::end_unread() {
  say("nobody reads the events on stdout any more: ends; to run on without a reader, give it > FILE or > /dev/null, "
      "and "
      "ask GET /events of the --sd-port");
  exit_code_ = kExitOutput;
  stop();
}

// One of a Deployment: if all crash, they crash alike.
void KubeCluster::note_crash(const KubePod& pod, const std::string& how) {
  if (stopping_ || !crash_told_.insert(pod.identity().deployment).second) return;
  say(fmt::format("pod {} {} and is started again, as others of Deployment {} that do (events pod_crashed){}",
                  pod.name(), how, pod.identity().deployment, end_of_log(pod.log_path())));
}

void KubeCluster::haproxy_gone(int status) {
  if (stopping_) {
    stop_pods();
    return end_if_all_gone();
  }
  fail(fmt::format("HAProxy (pid {}) {}{}", fronts_.pid(), describe_exit(status),
                   end_of_log(run_directory_.path() + "/haproxy.log")));
}

void KubeCluster::fail(const std::string& message) {
  say(message);
  events_.write("failed", {{"why", message}});
  exit_code_ = kExitFailed;
  if (!stopping_) stop();
}

void KubeCluster::stop() {
  if (stopping_) return kill_all();
  stopping_ = true;
  stop_timer_.start(kStopPatience, [this] { kill_all(); });
  if (fronts_.running()) {
    fronts_.send_signal(SIGTERM);
  } else {
    stop_pods();
  }
  end_if_all_gone();
}

void KubeCluster::stop_pods() {
  for (const auto& pod : pods_) pod->shut_down();
}

void KubeCluster::kill_all() {
  fronts_.send_signal(SIGKILL);
  for (const auto& pod : pods_) pod->send_signal(SIGKILL);
}

void KubeCluster::end_if_all_gone() {
  const bool pods_left = std::any_of(pods_.begin(), pods_.end(), [](const auto& pod) { return pod->running(); });
  if (!pods_left && !fronts_.running()) uv_stop(loop_);
}

}  // namespace lgen::cluster
