// A server with reflection only, in the test's own process: it can speak one version or the other, answer like servers
// of other makes, refuse, hang, and it writes down what it is asked.
// Thread: answers come from gRPC's threads; what a test reads is guarded.
// Lifetime: the destructor ends all calls.
#pragma once

#include <google/protobuf/compiler/importer.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/timestamp.pb.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hello.grpc.pb.h"
#include "reflection_v1.grpc.pb.h"
#include "reflection_v1alpha.grpc.pb.h"

namespace lgen::test {

namespace pb = google::protobuf;

/// .proto texts by name, linked.
class ProtoTexts final : public pb::compiler::SourceTree {
 public:
  explicit ProtoTexts(std::map<std::string, std::string> texts) : texts_(std::move(texts)) {
    for (const auto& [name, text] : texts_) {
      if (pool_.FindFileByName(name) == nullptr) throw std::runtime_error(name + " cannot be parsed");
    }
  }
  pb::io::ZeroCopyInputStream* Open(const std::string& name) override {
    const auto text = texts_.find(name);
    if (text == texts_.end()) return nullptr;
    return new pb::io::ArrayInputStream(text->second.data(), static_cast<int>(text->second.size()));
  }
  std::string GetLastErrorMessage() override { return "no such text"; }
  const pb::DescriptorPool& pool() const { return pool_; }
  const std::map<std::string, std::string>& texts() const { return texts_; }

 private:
  const std::map<std::string, std::string> texts_;
  pb::DescriptorPoolDatabase well_known_{*pb::Timestamp::descriptor()->file()->pool()};
  pb::compiler::SourceTreeDescriptorDatabase database_{this, &well_known_};
  pb::DescriptorPool pool_{&database_};
};

struct ReflectionBehaviour {
  std::map<std::string, std::string> files;  // name -> .proto text; may import each other
  bool v1 = true, v1alpha = true;
  bool with_imports = false;       // every answer brings all imports, too
  std::set<std::string> refused;   // symbols, files and types it says it does not know
  std::string garbage;             // symbol answered with bytes that are no descriptor
  std::set<std::string> nameless;  // services listed besides those of the files
  std::string token;               // wanted as metadata `authorization`
  bool hang = false;               // never answers
  bool hang_up = false;            // ends the stream instead of answering
  bool lists = true;               // false: does not list its services
};

class ReflectionServer {
 public:
  explicit ReflectionServer(ReflectionBehaviour behaviour)
      : behaviour_(std::move(behaviour)), files_(behaviour_.files), v1_(*this, "v1"), v1alpha_(*this, "v1alpha") {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&hello_);
    if (behaviour_.v1) builder.RegisterService(&v1_);
    if (behaviour_.v1alpha) builder.RegisterService(&v1alpha_);
    server_ = builder.BuildAndStart();
  }
  ~ReflectionServer() { server_->Shutdown(std::chrono::system_clock::now()); }
  ReflectionServer(const ReflectionServer&) = delete;
  ReflectionServer& operator=(const ReflectionServer&) = delete;

  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

  /// "v1 services *", "v1alpha file a.proto", "v1 symbol x.Y", "v1 numbers x.M", "v1 extension x.M 100", in order.
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  /// Conversations over so far, and how many of them were broken off by the client.
  int ended() const {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  int cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

 private:
  template <class Base, class Request, class Response>
  class Service final : public Base {
   public:
    Service(ReflectionServer& server, std::string version) : server_(server), version_(std::move(version)) {}
    grpc::Status ServerReflectionInfo(grpc::ServerContext* context,
                                      grpc::ServerReaderWriter<Response, Request>* stream) override {
      const grpc::Status status = converse(*context, *stream);
      server_.note_end(context->IsCancelled());
      return status;
    }

   private:
    grpc::Status converse(grpc::ServerContext& context, grpc::ServerReaderWriter<Response, Request>& stream) {
      const ReflectionBehaviour& behaviour = server_.behaviour_;
      const auto token = context.client_metadata().find("authorization");
      if (!behaviour.token.empty() && (token == context.client_metadata().end() || token->second != behaviour.token)) {
        return {grpc::StatusCode::UNAUTHENTICATED, "no token"};
      }
      Request request;
      while (stream.Read(&request)) {
        server_.note(version_ + " " + words(request));
        if (behaviour.hang) continue;
        if (behaviour.hang_up) return grpc::Status::OK;
        stream.Write(answer(request));
      }
      return grpc::Status::OK;
    }

    static std::string words(const Request& request) {
      if (request.has_list_services()) return "services " + request.list_services();
      if (request.has_file_by_filename()) return "file " + request.file_by_filename();
      if (request.has_file_containing_symbol()) return "symbol " + request.file_containing_symbol();
      if (request.has_all_extension_numbers_of_type()) return "numbers " + request.all_extension_numbers_of_type();
      const auto& extension = request.file_containing_extension();
      return "extension " + extension.containing_type() + " " + std::to_string(extension.extension_number());
    }

    Response answer(const Request& request) const {
      Response response;
      *response.mutable_original_request() = request;
      const pb::DescriptorPool& pool = server_.files_.pool();
      if (request.has_list_services()) {
        list(response);
      } else if (request.has_file_by_filename()) {
        give(response, request.file_by_filename(), pool.FindFileByName(request.file_by_filename()));
      } else if (request.has_file_containing_symbol()) {
        const std::string& symbol = request.file_containing_symbol();
        give(response, symbol, pool.FindFileContainingSymbol(symbol));
      } else if (request.has_all_extension_numbers_of_type()) {
        number(response, request.all_extension_numbers_of_type());
      } else {
        const auto& wanted = request.file_containing_extension();
        const auto* type = pool.FindMessageTypeByName(wanted.containing_type());
        const auto* field = pool.FindExtensionByNumber(type, wanted.extension_number());
        give(response, wanted.containing_type(), field == nullptr ? nullptr : field->file());
      }
      return response;
    }

    void list(Response& response) const {
      if (!server_.behaviour_.lists) return refuse(response, "the list");
      auto& services = *response.mutable_list_services_response();
      for (const std::string& name : server_.behaviour_.nameless) services.add_service()->set_name(name);
      for (const auto& [name, text] : server_.files_.texts()) {
        const pb::FileDescriptor* file = server_.files_.pool().FindFileByName(name);
        for (int i = 0; i < file->service_count(); ++i) services.add_service()->set_name(file->service(i)->full_name());
      }
    }

    void give(Response& response, const std::string& name, const pb::FileDescriptor* file) const {
      if (file == nullptr || server_.behaviour_.refused.contains(name)) return refuse(response, name);
      auto& files = *response.mutable_file_descriptor_response();
      if (server_.behaviour_.garbage == name) {
        files.add_file_descriptor_proto("\xFF\xFF");
        return;
      }
      std::set<const pb::FileDescriptor*> added;
      add(*file, added, files);
    }

    template <class Files>
    void add(const pb::FileDescriptor& file, std::set<const pb::FileDescriptor*>& added, Files& files) const {
      if (!added.insert(&file).second) return;
      pb::FileDescriptorProto proto;
      file.CopyTo(&proto);
      files.add_file_descriptor_proto(proto.SerializeAsString());
      for (int i = 0; server_.behaviour_.with_imports && i < file.dependency_count(); ++i) {
        add(*file.dependency(i), added, files);
      }
    }

    void number(Response& response, const std::string& name) const {
      const pb::Descriptor* type = server_.files_.pool().FindMessageTypeByName(name);
      if (type == nullptr || server_.behaviour_.refused.contains(name)) return refuse(response, name);
      auto& numbers = *response.mutable_all_extension_numbers_response();
      numbers.set_base_type_name(name);
      for (const auto& [file_name, text] : server_.files_.texts()) {
        const pb::FileDescriptor* file = server_.files_.pool().FindFileByName(file_name);
        for (int i = 0; i < file->extension_count(); ++i) {
          if (file->extension(i)->containing_type() == type) numbers.add_extension_number(file->extension(i)->number());
        }
      }
    }

    static void refuse(Response& response, const std::string& name) {
      response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
      response.mutable_error_response()->set_error_message("unknown: " + name);
    }

    ReflectionServer& server_;
    const std::string version_;
  };

  using V1 = Service<grpc::reflection::v1::ServerReflection::Service, grpc::reflection::v1::ServerReflectionRequest,
                     grpc::reflection::v1::ServerReflectionResponse>;
  using V1Alpha =
      Service<grpc::reflection::v1alpha::ServerReflection::Service, grpc::reflection::v1alpha::ServerReflectionRequest,
              grpc::reflection::v1alpha::ServerReflectionResponse>;

  void note(const std::string& question) {
    const std::lock_guard lock(mutex_);
    asked_.push_back(question);
  }
  void note_end(bool cancelled) {
    const std::lock_guard lock(mutex_);
    ++ended_;
    if (cancelled) ++cancelled_;
  }

  const ReflectionBehaviour behaviour_;
  ProtoTexts files_;
  hello::Hello::Service hello_;  // so that there is a service when there is no reflection
  V1 v1_;
  V1Alpha v1alpha_;
  mutable std::mutex mutex_;
  std::vector<std::string> asked_;
  int ended_ = 0, cancelled_ = 0, port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace lgen::test
