#include "reflection_service.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <set>
#include <utility>

namespace lgen::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

const DescriptorPool& types() { return *DescriptorPool::generated_pool(); }

template <typename Response>
void set_not_found(Response& response, const std::string& what) {
  response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  response.mutable_error_response()->set_error_message(fmt::format("{} is not known here", what));
}

// The file and all it imports, each once, imports behind those who need them.
template <typename Files>
void add_with_imports(const FileDescriptor& file, std::set<const FileDescriptor*>& added, Files& out) {
  if (!added.insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  out.add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) add_with_imports(*file.dependency(i), added, out);
}

template <typename Response>
void set_file(Response& response, const FileDescriptor* file, const std::string& what) {
  if (file == nullptr) return set_not_found(response, what);
  std::set<const FileDescriptor*> added;
  add_with_imports(*file, added, *response.mutable_file_descriptor_response());
}

template <typename Response, typename Extension>
void set_extension(Response& response, const Extension& wanted) {
  const Descriptor* type = types().FindMessageTypeByName(wanted.containing_type());
  const FieldDescriptor* field =
      type == nullptr ? nullptr : types().FindExtensionByNumber(type, wanted.extension_number());
  set_file(response, field == nullptr ? nullptr : field->file(),
           fmt::format("extension {} of {}", wanted.extension_number(), wanted.containing_type()));
}

template <typename Response>
void set_extension_numbers(Response& response, const std::string& name) {
  const Descriptor* type = types().FindMessageTypeByName(name);
  if (type == nullptr) return set_not_found(response, name);
  std::vector<const FieldDescriptor*> fields;
  types().FindAllExtensions(type, &fields);
  auto& numbers = *response.mutable_all_extension_numbers_response();
  numbers.set_base_type_name(name);
  for (const FieldDescriptor* field : fields) numbers.add_extension_number(field->number());
}

// One conversation: a question, its answer, the next question.
template <typename Request, typename Response>
class ReflectionCall final : public grpc::ServerBidiReactor<Request, Response> {
 public:
  ReflectionCall(const Reflector<Request, Response>& reflector, MethodMetrics& method,
                 grpc::CallbackServerContext* context)
      : reflector_(reflector), context_(context), record_(method) {
    this->StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return this->Finish(grpc::Status::OK);
    record_.received(request_.ByteSizeLong());
    response_ = reflector_.answer(request_);
    record_.sent(response_.ByteSizeLong());
    this->StartWrite(&response_);
  }

  void OnWriteDone(bool) override { this->StartRead(&request_); }

  void OnDone() override {
    record_.finish(context_->IsCancelled() ? grpc::StatusCode::CANCELLED : grpc::StatusCode::OK);
    delete this;
  }

 private:
  const Reflector<Request, Response>& reflector_;
  grpc::CallbackServerContext* context_;
  CallRecord record_;
  Request request_;
  Response response_;
};

}  // namespace

template <typename Request, typename Response>
Response Reflector<Request, Response>::answer(const Request& request) const {
  Response response;
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kFileByFilename:
      set_file(response, types().FindFileByName(request.file_by_filename()), request.file_by_filename());
      break;
    case Request::kFileContainingSymbol:
      set_file(response, types().FindFileContainingSymbol(request.file_containing_symbol()),
               request.file_containing_symbol());
      break;
    case Request::kFileContainingExtension:
      set_extension(response, request.file_containing_extension());
      break;
    case Request::kAllExtensionNumbersOfType:
      set_extension_numbers(response, request.all_extension_numbers_of_type());
      break;
    case Request::kListServices:
      for (const auto& name : services_) response.mutable_list_services_response()->add_service()->set_name(name);
      break;
    case Request::MESSAGE_REQUEST_NOT_SET:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      response.mutable_error_response()->set_error_message("the request asks nothing");
      break;
  }
  return response;
}

template class Reflector<ReflectionV1::Request, ReflectionV1::Response>;
template class Reflector<ReflectionV1Alpha::Request, ReflectionV1Alpha::Response>;

ReflectionV1::ReflectionV1(const Shared& shared, std::vector<std::string> services)
    : info_(shared.metrics.method("grpc.reflection.v1.ServerReflection/ServerReflectionInfo")),
      reflector_(std::move(services)) {}

grpc::ServerBidiReactor<ReflectionV1::Request, ReflectionV1::Response>* ReflectionV1::ServerReflectionInfo(
    grpc::CallbackServerContext* context) {
  return new ReflectionCall<Request, Response>(reflector_, info_, context);
}

ReflectionV1Alpha::ReflectionV1Alpha(const Shared& shared, std::vector<std::string> services)
    : info_(shared.metrics.method("grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")),
      reflector_(std::move(services)) {}

grpc::ServerBidiReactor<ReflectionV1Alpha::Request, ReflectionV1Alpha::Response>*
ReflectionV1Alpha::ServerReflectionInfo(grpc::CallbackServerContext* context) {
  return new ReflectionCall<Request, Response>(reflector_, info_, context);
}

}  // namespace lgen::server
