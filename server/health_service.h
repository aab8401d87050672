// Public health checks: Check and Watch, for the server ("") and each of its services.
//
// *Thread:* any; `set_serving` and `end_watches` come from the main thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "health.grpc.pb.h"
#include "services.h"

namespace lgen::server {

class HealthWatch;

class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // `names`: the services that are known, beside "".
  HealthService(const Shared& shared, std::set<std::string> names);

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context, const grpc::health::v1::HealthCheckRequest* request) override;

  // Every watcher is told.
  void set_serving(bool serving);
  // Watches never end by themselves; a server that goes down ends them.
  void end_watches();

  // What a caller asking for `name` is told now; SERVICE_UNKNOWN when there is no such service.
  grpc::health::v1::HealthCheckResponse::ServingStatus status_of(const std::string& name) const;

 private:
  std::vector<std::shared_ptr<HealthWatch>> live_watches();

  const Shared& shared_;
  MethodMetrics& check_;
  MethodMetrics& watch_;
  const std::set<std::string> names_;
  std::atomic<bool> serving_{false};
  std::mutex mutex_;
  std::vector<std::weak_ptr<HealthWatch>> watches_;
};

}  // namespace lgen::server
