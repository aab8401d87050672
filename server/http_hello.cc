#include "http_hello.h"

#include "addresses.h"
#include "civet.h"
#include "http_answer.h"

namespace lgen::server {
class HttpHello::Handler final : public CivetHandler {
 public:
  Handler(const Identity& identity, Admission& admission)
      : identity_(identity), admission_(admission), headers_(identity_headers(identity)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    if (!admitted(admission_, connection, headers_)) return true;
    std::string name;
    CivetServer::getParam(connection, "name", name);
    answer_json(connection, 200, headers_, introduction_json(name, identity_.version + "-hellohttp", identity_.pod));
    return true;
  }
  bool handleHead(CivetServer* server, mg_connection* connection) override { return handleGet(server, connection); }

 private:
  const Identity& identity_;
  Admission& admission_;
  const std::string headers_;
};

HttpHello::HttpHello(const Options& options, const Identity& identity, Admission& admission)
    : handler_(std::make_unique<Handler>(identity, admission)) {
  const std::string address = http_address(options, options.http_port);
  server_ = listen_kept("HTTP", address, "--http-port");
  port_ = static_cast<std::uint16_t>(server_->getListeningPorts().at(0));
  address_ = http_address(options, port_);
  server_->addHandler("/hellohttp$", *handler_);
}

HttpHello::~HttpHello() { close_http(*server_, address_); }

}  // namespace lgen::server
