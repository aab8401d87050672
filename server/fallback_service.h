// Answers calls of methods this server does not have, and counts them under the method "other".
//
// *Thread:* gRPC's callback threads.
#pragma once

#include <fmt/format.h>
#include <grpcpp/generic/async_generic_service.h>

#include "services.h"

namespace lgen::server {

class FallbackService final : public grpc::CallbackGenericService {
 public:
  explicit FallbackService(const Shared& shared) : other_(shared.metrics.method("other")) {}

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    return new Refusal(other_, context->method());
  }

 private:
  class Refusal final : public grpc::ServerGenericBidiReactor {
   public:
    Refusal(MethodMetrics& other, const std::string& method) : record_(other) {
      Finish({grpc::StatusCode::UNIMPLEMENTED, fmt::format("this server has no method {}", method)});
    }
    void OnDone() override {
      record_.finish(grpc::StatusCode::UNIMPLEMENTED);
      delete this;
    }

   private:
    CallRecord record_;
  };

  MethodMetrics& other_;
};

}  // namespace lgen::server
