// Answers SayHello with who it is.
//
// *Thread:* gRPC's callback threads.
#pragma once

#include "hello.grpc.pb.h"
#include "services.h"

namespace lgen::server {

class HelloService final : public hello::Hello::CallbackService {
 public:
  explicit HelloService(const Shared& shared);

  grpc::ServerUnaryReactor* SayHello(grpc::CallbackServerContext* context, const hello::Greeting* request,
                                     hello::Introduction* response) override;

 private:
  const Shared& shared_;
  MethodMetrics& say_hello_;
};

}  // namespace lgen::server
