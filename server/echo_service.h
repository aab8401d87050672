// Answers as each request asks, for one method of every kind; its streams count like all others.
//
// *Thread:* gRPC's callback threads; a delay holds no thread.
#pragma once

#include "echo.grpc.pb.h"
#include "services.h"

namespace lgen::server {

class EchoService final : public echo::Echo::CallbackService {
 public:
  explicit EchoService(const Shared& shared);

  grpc::ServerUnaryReactor* Unary(grpc::CallbackServerContext* context, const echo::EchoRequest* request,
                                  echo::EchoReply* reply) override;
  grpc::ServerReadReactor<echo::EchoRequest>* ClientStream(grpc::CallbackServerContext* context,
                                                           echo::EchoReply* reply) override;
  grpc::ServerWriteReactor<echo::EchoReply>* ServerStream(grpc::CallbackServerContext* context,
                                                          const echo::EchoRequest* request) override;
  grpc::ServerBidiReactor<echo::EchoRequest, echo::EchoReply>* BidiStream(
      grpc::CallbackServerContext* context) override;

 private:
  const Shared& shared_;
  MethodMetrics& unary_;
  MethodMetrics& client_stream_;
  MethodMetrics& server_stream_;
  MethodMetrics& bidi_stream_;
};

}  // namespace lgen::server
