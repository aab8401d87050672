#include "health_service.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace lgen::server {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using ServingStatus = HealthCheckResponse::ServingStatus;

namespace {

// Health answers during the start, too, unless --health-shares-handlers lets it wait among the streams.
class HealthTurn {
 public:
  explicit HealthTurn(const Shared& shared) {
    if (shared.options.health_shares_handlers) ticket_.emplace(shared.admission, Ticket::Needs::kStartAndPlace);
  }
  void enter(std::function<void(Answer)> then) { return ticket_ ? ticket_->enter(std::move(then)) : then(Answer::kGo); }
  void cancel() {
    if (ticket_) ticket_->cancel();
  }

 private:
  std::optional<Ticket> ticket_;
};

class CheckCall final : public grpc::ServerUnaryReactor {
 public:
  CheckCall(const HealthService& health, const Shared& shared, MethodMetrics& method,
            grpc::CallbackServerContext* context, const HealthCheckRequest* request, HealthCheckResponse* response)
      : health_(health), context_(context), record_(method), turn_(shared) {
    record_.received(request->ByteSizeLong());
    turn_.enter([this, request, response](Answer answer) {
      status_ = answer == Answer::kGo ? reply(request->service(), *response) : refusal(answer);
      Finish(status_);
    });
  }

  void OnCancel() override { turn_.cancel(); }

  void OnDone() override {
    record_.finish(context_->IsCancelled() ? grpc::StatusCode::CANCELLED : status_.error_code());
    delete this;
  }

 private:
  grpc::Status reply(const std::string& name, HealthCheckResponse& response) {
    const ServingStatus serving = health_.status_of(name);
    if (serving == HealthCheckResponse::SERVICE_UNKNOWN) {
      return {grpc::StatusCode::NOT_FOUND, fmt::format("no service \"{}\" here", name)};
    }
    response.set_status(serving);
    record_.sent(response.ByteSizeLong());
    return grpc::Status::OK;
  }

  const HealthService& health_;
  grpc::CallbackServerContext* context_;
  CallRecord record_;
  HealthTurn turn_;
  grpc::Status status_;
};

}  // namespace

// One watcher. It is told the newest status, one write at a time; a status that changes twice during a write is
// told once. `step` decides under the lock and acts outside it, because an action may call back at once.
class HealthWatch final : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  HealthWatch(const HealthService& health, const Shared& shared, MethodMetrics& method,
              grpc::CallbackServerContext* context, const HealthCheckRequest* request)
      : health_(health), context_(context), record_(method), turn_(shared), name_(request->service()) {
    record_.received(request->ByteSizeLong());
  }

  // `self` keeps the watch alive until gRPC has done with it.
  void begin(std::shared_ptr<HealthWatch> self) {
    self_ = std::move(self);
    turn_.enter([this](Answer answer) {
      if (answer != Answer::kGo) return finish(refusal(answer));
      {
        const std::lock_guard lock(mutex_);
        begun_ = true;
      }
      step();
    });
  }

  void changed() { step(); }
  void finish(const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      if (!end_) end_ = status;
    }
    step();
  }

  void OnWriteDone(bool) override {
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
    }
    step();
  }

  void OnCancel() override {
    turn_.cancel();
    finish(grpc::Status::CANCELLED);
  }

  void OnDone() override {
    record_.finish(context_->IsCancelled() ? grpc::StatusCode::CANCELLED : end_->error_code());
    self_.reset();
  }

 private:
  enum class Action { kNone, kWrite, kFinish };

  Action decide() {
    const std::lock_guard lock(mutex_);
    if (writing_ || finished_) return Action::kNone;
    if (end_) {
      finished_ = true;
      return Action::kFinish;
    }
    const ServingStatus now = health_.status_of(name_);
    if (!begun_ || told_ == now) return Action::kNone;
    told_ = now;
    writing_ = true;
    reply_.set_status(now);
    return Action::kWrite;
  }

  void step() {
    const Action action = decide();
    if (action == Action::kFinish) Finish(*end_);
    if (action == Action::kWrite) {
      record_.sent(reply_.ByteSizeLong());
      StartWrite(&reply_);
    }
  }

  const HealthService& health_;
  grpc::CallbackServerContext* context_;
  CallRecord record_;
  HealthTurn turn_;
  const std::string name_;
  std::shared_ptr<HealthWatch> self_;
  HealthCheckResponse reply_;
  std::mutex mutex_;
  bool begun_ = false;
  bool writing_ = false;
  bool finished_ = false;
  std::optional<ServingStatus> told_;
  std::optional<grpc::Status> end_;
};

HealthService::HealthService(const Shared& shared, std::set<std::string> names)
    : shared_(shared),
      check_(shared.metrics.method("grpc.health.v1.Health/Check")),
      watch_(shared.metrics.method("grpc.health.v1.Health/Watch")),
      names_(std::move(names)) {}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context, const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  return new CheckCall(*this, shared_, check_, context, request, response);
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(grpc::CallbackServerContext* context,
                                                                    const HealthCheckRequest* request) {
  auto watch = std::make_shared<HealthWatch>(*this, shared_, watch_, context, request);
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(watches_, [](const auto& old) { return old.expired(); });
    watches_.push_back(watch);
  }
  watch->begin(watch);
  return watch.get();
}

void HealthService::set_serving(bool serving) {
  serving_ = serving;
  for (const auto& watch : live_watches()) watch->changed();
}

void HealthService::end_watches() {
  for (const auto& watch : live_watches()) {
    watch->finish({grpc::StatusCode::UNAVAILABLE, "the server is shutting down"});
  }
}

ServingStatus HealthService::status_of(const std::string& name) const {
  const bool known = name.empty() || names_.contains(name);
  if (!known) return HealthCheckResponse::SERVICE_UNKNOWN;
  return serving_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

std::vector<std::shared_ptr<HealthWatch>> HealthService::live_watches() {
  std::vector<std::shared_ptr<HealthWatch>> live;
  const std::lock_guard lock(mutex_);
  for (const auto& weak : watches_) {
    if (auto watch = weak.lock()) live.push_back(std::move(watch));
  }
  return live;
}

}  // namespace lgen::server
