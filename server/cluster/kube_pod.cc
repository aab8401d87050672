#include "kube_pod.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cmath>
#include <csignal>
#include <filesystem>
#include <utility>

#include "dialogues.h"
#include "error.h"
#include "metric_sums.h"
#include "proc_stat.h"

namespace lgen::cluster {

namespace {

using Ask = kube::PodState::Ask;
using kube::ProbeUse;

constexpr std::chrono::milliseconds kScrapeTimeout{2000};
constexpr std::chrono::milliseconds kLeastPeek{200};
constexpr int kLogLinesShown = 5;
constexpr const char* kCalls = "grpc_server_call_started_total";

// A pod's own health checks and reflection are no requests.
constexpr const char* kOwnCalls = "grpc.";

std::chrono::milliseconds milliseconds(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

// A program takes as long to start as it does, however fast the cluster's time runs: its startup probe may fail so much
// more often.
kube::PodTemplate with_real_start(kube::PodTemplate spec, double time_scale) {
  if (!spec.startup || time_scale <= 1) return spec;
  constexpr double kMost = 1e9;
  int& threshold = spec.startup->failure_threshold;
  threshold = static_cast<int>(std::min(kMost, std::ceil(threshold * time_scale)));
  return spec;
}

double seconds(Duration duration) { return static_cast<double>(milliseconds(duration).count()) / 1000; }

}  // namespace

KubePod::KubePod(PodSurroundings& around, kube::PodIdentity identity, std::size_t slot, kube::PodTemplate spec)
    : around_(around),
      identity_(std::move(identity)),
      slot_(slot),
      state_(with_real_start(std::move(spec), around.clock.scale()), around.clock.now()),
      metrics_(around.metric_lag),
      log_path_(fmt::format("{}/{}.log", around.log_dir, identity_.name)) {
  write("pod_created", {{"deployment", identity_.deployment}, {"ip", identity_.ip}, {"revision", identity_.revision}});
}

void KubePod::turn() {
  // What is done may itself be an event: a program that cannot be started has exited.
  for (auto asks = state_.advance(now()); !asks.empty(); asks = state_.advance(now())) {
    for (const Ask& ask : asks) act(ask);
  }
  note_readiness();
  if (now() >= next_peek_) peek();
}

TimePoint KubePod::next() const { return std::min({state_.next(), endpoint_.next(), next_peek_}); }

void KubePod::act(const Ask& ask) {
  switch (ask.what) {
    case Ask::What::start:
      return start();
    case Ask::What::pre_stop:
      return run_pre_stop();
    case Ask::What::terminate:
      write("pod_stopping", {{"signal", "SIGTERM"}});
      return send_signal(SIGTERM);
    case Ask::What::kill:
      write("pod_killed", {{"signal", "SIGKILL"}, {"why", "the grace period is over"}});
      return send_signal(SIGKILL);
    case Ask::What::probe:
      return probe(ask.probe);
  }
}

void KubePod::start() {
  std::error_code ignored;
  if (state_.ever_started()) {
    std::filesystem::rename(log_path_, fmt::format("{}/{}.previous.log", around_.log_dir, name()), ignored);
  }
  const ChildSpec child{around_.program,
                        kube::pod_arguments(state_.spec(), identity_, around_.machine),
                        log_path_,
                        {around_.lock_fd},
                        kube::pod_environment(state_.spec(), identity_)};
  state_.started(now());
  for (std::string& answer : last_answers_) answer.clear();
  try {
    process_ = std::make_unique<ChildProcess>(around_.loop, child, [this](int status) { exited(status); });
    write("pod_started", {{"pid", pid()}, {"restarts", state_.restarts()}});
  } catch (const ClusterError& e) {
    write("pod_failed", {{"why", e.what()}});
    state_.exited(now());
  }
}

void KubePod::exited(int status) {
  const bool planned = state_.deleting() || state_.failed_probe();
  for (Running& probe : probes_) probe = {};
  pre_stop_ = {};
  scrape_.reset();
  metrics_.add_page(std::nullopt, {now(), Monotonic::now()});
  metrics_.forget_cpu();
  state_.exited(now());
  was_ready_ = false;  // the end says it
  Facts facts = {{"how", describe_exit(status)}, {"restarts", state_.restarts()}};
  if (!state_.deleting()) facts["back_off_seconds"] = seconds(state_.start_at() - *state_.last_exit());
  if (!planned) facts["log"] = last_lines(log_path_, kLogLinesShown);
  write(planned ? "pod_stopped" : "pod_crashed", std::move(facts));
  if (!planned) around_.crashed(*this, describe_exit(status));
  around_.wake();
}

void KubePod::send_signal(int number) {
  if (process_ != nullptr) process_->send_signal(number);
}

void KubePod::remove(const std::string& why, std::optional<Duration> grace) {
  if (!state_.deleting()) write("pod_draining", {{"why", why}});
  state_.remove(now(), grace);
}

void KubePod::shut_down() {
  remove("the cluster stops", Duration::zero());
  send_signal(SIGTERM);
}

std::unique_ptr<Dialogue> KubePod::dialogue(const kube::Probe& probe) const {
  switch (probe.kind) {
    case kube::Probe::Kind::grpc:
      return grpc_health_dialogue(probe.service);
    case kube::Probe::Kind::http:
      return http_dialogue(identity_.ip, probe.path);
    default:
      return tcp_dialogue();
  }
}

ExecSpec KubePod::exec_spec(const std::vector<std::string>& command, const char* what,
                            std::chrono::milliseconds timeout) const {
  auto environment = kube::pod_environment(state_.spec(), identity_);
  environment.push_back("PATH=" + around_.command_path);
  return {command, std::move(environment), fmt::format("{}/{}.{}.log", around_.log_dir, name(), what), timeout};
}

// A time-out is not scaled: programs do not answer any faster because the cluster's time does.
void KubePod::probe(ProbeUse use) {
  const auto& spec = state_.spec();
  const auto& probe = use == ProbeUse::startup     ? spec.startup
                      : use == ProbeUse::readiness ? spec.readiness
                                                   : spec.liveness;
  Running& running = probes_[static_cast<std::size_t>(use)];
  const auto done = [this, use](const Answer& answer) { probed(use, answer); };
  running = {};
  if (probe->kind == kube::Probe::Kind::exec) {
    const ExecSpec exec = exec_spec(probe->command, kube::to_string(use), milliseconds(probe->timeout));
    running.exec = std::make_unique<ExecRun>(around_.loop, around_.guard, exec, done);
  } else {
    running.exchange = std::make_unique<Exchange>(around_.loop, Place{identity_.ip, probe->port}, dialogue(*probe),
                                                  milliseconds(probe->timeout), done);
  }
}

void KubePod::probed(ProbeUse use, const Answer& answer) {
  std::string& last = last_answers_[static_cast<std::size_t>(use)];
  const bool stopping = state_.deleting() || state_.failed_probe();
  if (!answer.ok && last != answer.text && !stopping) {
    write("probe_failed", {{"probe", kube::to_string(use)}, {"why", answer.text}});
  }
  last = answer.ok ? "" : answer.text;
  const bool stopped_before = state_.failed_probe().has_value();
  state_.probed(use, answer.ok, now());
  if (state_.failed_probe() && !stopped_before) {
    write("pod_unhealthy", {{"probe", kube::to_string(use)}, {"why", answer.text}});
  }
  around_.wake();
}

void KubePod::run_pre_stop() {
  const kube::PreStop& hook = state_.spec().pre_stop;
  const auto done = [this](const Answer& answer) {
    if (!answer.ok) write("pre_stop_failed", {{"why", answer.text}});
    state_.pre_stop_done(now());
    around_.wake();
  };
  if (hook.kind == kube::PreStop::Kind::exec) {
    const ExecSpec exec = exec_spec(hook.command, "pre-stop", std::chrono::milliseconds(0));
    pre_stop_.exec = std::make_unique<ExecRun>(around_.loop, around_.guard, exec, done);
  } else {
    pre_stop_.exchange =
        std::make_unique<Exchange>(around_.loop, Place{identity_.ip, hook.port}, http_dialogue(identity_.ip, hook.path),
                                   milliseconds(state_.spec().grace), done);
  }
}

void KubePod::note_readiness() {
  if (std::exchange(was_ready_, state_.ready()) == state_.ready()) return;
  if (state_.ready()) {
    const double age = seconds(now() - state_.created());
    if (!first_request_seen_) next_peek_ = now();
    return write("pod_ready", {{"age_seconds", age}, {"probed", state_.spec().readiness.has_value()}});
  }
  write("pod_not_ready", {{"why", last_answers_[static_cast<std::size_t>(ProbeUse::readiness)]}});
}

// Until its first request a pod is asked every second of the cluster's; less often the longer it waits.
void KubePod::peek() {
  const auto least = std::chrono::duration_cast<Duration>(kLeastPeek * around_.clock.scale());
  const auto pause = std::max({Duration(std::chrono::seconds(1)), least, (now() - state_.ready_changed()) / 20});
  next_peek_ = first_request_seen_ || !running() ? kNever : now() + pause;
  if (next_peek_ != kNever) scrape(false);
}

void KubePod::sample() {
  if (!running()) return;
  const kube::Instant instant{now(), Monotonic::now()};
  if (const auto used = cpu_used(pid())) metrics_.add_cpu(pid(), *used, instant);
  scrape(true);
}

void KubePod::scrape(bool for_autoscaler) {
  // One that is under way is waited for, unless it is only a look for the first request.
  if (scrape_ != nullptr && (scrapes_for_autoscaler_ || !for_autoscaler)) return;
  scrapes_for_autoscaler_ = for_autoscaler;
  const auto page = std::make_shared<std::string>();
  const Place place{identity_.ip, kube::metrics_port(state_.spec())};
  scrape_ = std::make_unique<Exchange>(
      around_.loop, place, http_dialogue(place.ip, "/metrics", page), kScrapeTimeout,
      [this, page, for_autoscaler](const Answer& answer) { scraped(answer, *page, for_autoscaler); });
}

void KubePod::scraped(Answer answer, const std::string& text, bool for_autoscaler) {
  scrape_.reset();
  std::shared_ptr<const MetricsPage> page;
  if (answer.ok) {
    const auto parsed = MetricsPage::parse(text);
    if (parsed.ok()) page = *parsed;
    if (!parsed.ok()) answer = {false, "/metrics: " + parsed.error().message};
  }
  if (for_autoscaler) {
    metrics_.add_page(page ? std::optional(kube::metric_sums(*page)) : std::nullopt, {now(), Monotonic::now()});
    // A pod that starts or ends need not answer.
    if (state_.in_service() && std::exchange(scrape_failed_, !answer.ok) == answer.ok) {
      write(answer.ok ? "scrape_recovered" : "scrape_failed", {{"why", answer.text}});
    }
  }
  if (page && !first_request_seen_) note_first_request(*page);
}

void KubePod::note_first_request(const MetricsPage& page) {
  const auto sums = kube::metric_sums(page, kOwnCalls);
  const auto calls = sums.find(kCalls);
  if (calls == sums.end() || calls->second == 0) return;
  first_request_seen_ = true;
  write("pod_first_request", {{"age_seconds", seconds(now() - state_.created())}});
}

void KubePod::write(std::string_view event, Facts facts) {
  Facts line = {{"pod", name()}};
  line.update(facts);
  around_.events.write(event, line);
}

kube::PodRow KubePod::row() const {
  kube::PodRow row{.name = name(), .ready = state_.ready(), .status = state_.status(), .restarts = state_.restarts()};
  if (state_.last_exit()) row.since_restart = now() - *state_.last_exit();
  row.age = now() - state_.created();
  return row;
}

kube::PodView KubePod::view(Duration min_ready) const {
  return {.name = name(),
          .revision = identity_.revision,
          .deleting = state_.deleting(),
          .running = running(),
          .ready = state_.ready(),
          .available = state_.ready() && now() - state_.ready_changed() >= min_ready,
          .restarts = state_.restarts(),
          .ready_since = state_.ready_changed(),
          .created = state_.created()};
}

}  // namespace lgen::cluster
