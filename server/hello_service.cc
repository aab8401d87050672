#include "hello_service.h"

namespace lgen::server {
namespace {

// One call: its turn comes at once, unless the server is still starting.
class HelloCall final : public grpc::ServerUnaryReactor {
 public:
  HelloCall(const Shared& shared, MethodMetrics& method, grpc::CallbackServerContext* context,
            const hello::Greeting* request, hello::Introduction* response)
      : record_(method), context_(context), ticket_(shared.admission, Ticket::Needs::kStart) {
    record_.received(request->ByteSizeLong());
    response->set_name(request->name());
    response->set_version(shared.identity.version + "-hellogrpc");
    response->set_hostname(shared.identity.pod);
    ticket_.enter([this, response, &identity = shared.identity](Answer answer) {
      status_ = refusal(answer);
      if (status_.ok()) {
        identity.attach(*context_);
        record_.sent(response->ByteSizeLong());
      } else {
        identity.attach_to_failure(*context_);
      }
      Finish(status_);
    });
  }

  void OnCancel() override { ticket_.cancel(); }

  void OnDone() override {
    record_.finish(context_->IsCancelled() ? grpc::StatusCode::CANCELLED : status_.error_code());
    delete this;
  }

 private:
  CallRecord record_;
  grpc::CallbackServerContext* context_;
  Ticket ticket_;
  grpc::Status status_;
};

}  // namespace

HelloService::HelloService(const Shared& shared)
    : shared_(shared), say_hello_(shared.metrics.method("hello.Hello/SayHello")) {}

grpc::ServerUnaryReactor* HelloService::SayHello(grpc::CallbackServerContext* context, const hello::Greeting* request,
                                                 hello::Introduction* response) {
  return new HelloCall(shared_, say_hello_, context, request, response);
}

}  // namespace lgen::server
