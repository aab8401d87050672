#include "gateway.h"

#include <fmt/format.h>

#include <functional>
#include <utility>

#include "addresses.h"
#include "civet.h"
#include "gateway_backends.h"
#include "http_answer.h"

namespace lgen::server {
namespace {

using Ask = std::function<BackendAnswer(const std::string& name)>;

Ask nobody(const char* flag) {
  return [flag](const std::string&) {
    return BackendAnswer{false, std::string("the gateway was started without ") + flag, {}};
  };
}

Ask grpc_backend(const Options& options) {
  if (options.grpc_backend.empty()) return nobody("--grpc-backend");
  if (options.grpc_dial == Dial::kPerRequest) {
    return [&options](const std::string& name) { return ask_grpc(dial_backend(options.grpc_backend), name); };
  }
  return [channel = dial_backend(options.grpc_backend)](const std::string& name) { return ask_grpc(channel, name); };
}

Ask http_backend(const Options& options) {
  if (options.http_backend.empty()) return nobody("--http-backend");
  return [url = parse_http_url(options.http_backend)](const std::string& name) { return ask_http(url, name); };
}

}  // namespace

class Gateway::Handler final : public CivetHandler {
 public:
  Handler(const Identity& identity, Admission& admission, Ask ask)
      : identity_(identity), admission_(admission), headers_(identity_headers(identity)), ask_(std::move(ask)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    if (!admitted(admission_, connection, headers_)) return true;
    std::string name;
    CivetServer::getParam(connection, "name", name);
    const BackendAnswer said = ask_(name);
    answer_json(connection, said.ok ? 200 : 502, headers_, body(name, said));
    return true;
  }
  bool handleHead(CivetServer* server, mg_connection* connection) override { return handleGet(server, connection); }

 private:
  std::string body(const std::string& name, const BackendAnswer& said) const {
    if (!said.ok) return fmt::format(R"({{"error": {}}})", json_text(said.error));
    const hello::Introduction& backend = said.introduction;
    std::string own = introduction_json(name, identity_.version + "-helloserve", identity_.pod);
    own.pop_back();
    return fmt::format(R"({}, "response": {}}})", own,
                       introduction_json(backend.name(), backend.version(), backend.hostname()));
  }

  const Identity& identity_;
  Admission& admission_;
  const std::string headers_;
  const Ask ask_;
};

Gateway::Gateway(const Options& options, const Identity& identity, Admission& admission)
    : grpc_(std::make_unique<Handler>(identity, admission, grpc_backend(options))),
      http_(std::make_unique<Handler>(identity, admission, http_backend(options))) {
  const std::string address = http_address(options, *options.gateway_port);
  server_ = listen_kept("the gateway", address, "--gateway-port");
  port_ = static_cast<std::uint16_t>(server_->getListeningPorts().at(0));
  address_ = http_address(options, port_);
  server_->addHandler("/hellogrpc$", *grpc_);
  server_->addHandler("/hellohttp$", *http_);
}

Gateway::~Gateway() { close_http(*server_, address_); }

}  // namespace lgen::server
