// Tells clients which services and types this server has, in both versions of the public protocol.
//
// *Thread:* gRPC's callback threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "reflection_v1.grpc.pb.h"
#include "reflection_v1alpha.grpc.pb.h"
#include "services.h"

namespace lgen::server {

// The answers, for one version's message types; defined for both versions in the source file.
template <typename Request, typename Response>
class Reflector {
 public:
  explicit Reflector(std::vector<std::string> services) : services_(std::move(services)) {}
  Response answer(const Request& request) const;

 private:
  const std::vector<std::string> services_;
};

class ReflectionV1 final : public grpc::reflection::v1::ServerReflection::CallbackService {
 public:
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;

  ReflectionV1(const Shared& shared, std::vector<std::string> services);
  grpc::ServerBidiReactor<Request, Response>* ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  MethodMetrics& info_;
  const Reflector<Request, Response> reflector_;
};

class ReflectionV1Alpha final : public grpc::reflection::v1alpha::ServerReflection::CallbackService {
 public:
  using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
  using Response = grpc::reflection::v1alpha::ServerReflectionResponse;

  ReflectionV1Alpha(const Shared& shared, std::vector<std::string> services);
  grpc::ServerBidiReactor<Request, Response>* ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  MethodMetrics& info_;
  const Reflector<Request, Response> reflector_;
};

}  // namespace lgen::server
