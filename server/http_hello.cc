#include "http_hello.h"

#include <fmt/format.h>

#include <future>
#include <string_view>
#include <vector>

#include "addresses.h"
#include "civet.h"

namespace lgen::server {
namespace {

// Each connection that is kept holds a thread.
constexpr const char* kThreads = "64";
constexpr const char* kIdleMilliseconds = "60000";

// In quotes. Bytes that are no UTF-8 go through as they are.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string identity_headers(const Identity& identity) {
  std::string headers = fmt::format("x-backend: {}\r\n", identity.pod);
  if (!identity.zone.empty()) headers += fmt::format("x-zone: {}\r\n", identity.zone);
  return headers + fmt::format("x-version: {}\r\n", identity.version);
}

void answer(mg_connection* connection, int status, const std::string& headers, const std::string& body) {
  mg_printf(connection, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", status,
            mg_get_response_code_text(connection, status), body.size(), headers.c_str());
  if (mg_get_request_info(connection)->request_method != std::string_view("HEAD")) {
    mg_write(connection, body.data(), body.size());
  }
}

}  // namespace

class HttpHello::Handler final : public CivetHandler {
 public:
  Handler(const Identity& identity, Admission& admission)
      : identity_(identity), admission_(admission), headers_(identity_headers(identity)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override {
    std::promise<Answer> answered;
    Ticket ticket(admission_, Ticket::Needs::kStart);
    ticket.enter([&](Answer said) { answered.set_value(said); });
    if (answered.get_future().get() != Answer::kGo) {
      answer(connection, 503, headers_, R"({"error": "the server is starting"})");
      return true;
    }
    std::string name;
    CivetServer::getParam(connection, "name", name);
    answer(connection, 200, headers_, hello_json(name, identity_));
    return true;
  }
  bool handleHead(CivetServer* server, mg_connection* connection) override { return handleGet(server, connection); }

 private:
  const Identity& identity_;
  Admission& admission_;
  const std::string headers_;
};

std::string hello_json(const std::string& name, const Identity& identity) {
  return fmt::format(R"({{"name": {}, "version": {}, "hostname": {}}})", quoted(name),
                     quoted(identity.version + "-hellohttp"), quoted(identity.pod));
}

HttpHello::HttpHello(const Options& options, const Identity& identity, Admission& admission)
    : handler_(std::make_unique<Handler>(identity, admission)) {
  const std::string address = http_address(options, options.http_port);
  const std::vector<std::string> settings = {"listening_ports",   address, "num_threads",           kThreads,
                                             "enable_keep_alive", "yes",   "keep_alive_timeout_ms", kIdleMilliseconds,
                                             "tcp_nodelay",       "1"};
  server_ = listen_http(settings, "HTTP", address, "--http-port");
  port_ = static_cast<std::uint16_t>(server_->getListeningPorts().at(0));
  address_ = http_address(options, port_);
  server_->addHandler("/hellohttp$", *handler_);
}

HttpHello::~HttpHello() { close_http(*server_, address_); }

}  // namespace lgen::server
