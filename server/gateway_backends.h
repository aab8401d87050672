// Asks a hello service for its introduction, over gRPC or HTTP, and says in words what failed.
//
// *Thread:* any; each call blocks the caller's, at most kBackendPatience (a name's look-up over HTTP apart).
#pragma once

#include <grpcpp/channel.h>

#include <chrono>
#include <memory>
#include <string>

#include "hello.pb.h"

namespace lgen::server {

constexpr std::chrono::seconds kBackendPatience{1};

struct HttpUrl {
  std::string host;
  std::string port;
  std::string path;
};

// "http://HOST[:PORT][/PATH]". Throws std::invalid_argument whose text says what is accepted.
HttpUrl parse_http_url(const std::string& text);

// What a backend said of itself; or, when `ok` is false, why there is no answer.
struct BackendAnswer {
  bool ok = false;
  std::string error;
  hello::Introduction introduction;
};

// A channel whose calls go round the target's addresses, with connections of its own.
std::shared_ptr<grpc::Channel> dial_backend(const std::string& target);

BackendAnswer ask_grpc(const std::shared_ptr<grpc::Channel>& channel, const std::string& name);

// Over a new connection, as the original's clients do.
BackendAnswer ask_http(const HttpUrl& url, const std::string& name);

}  // namespace lgen::server
