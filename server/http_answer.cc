#include "http_answer.h"

#include <fmt/format.h>

#include <future>
#include <string_view>
#include <vector>

#include "civet.h"

namespace lgen::server {
namespace {

constexpr const char* kThreads = "64";
constexpr const char* kIdleMilliseconds = "60000";

}  // namespace

std::string json_text(std::string_view text) {
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

std::string introduction_json(std::string_view name, std::string_view version, std::string_view hostname) {
  return fmt::format(R"({{"name": {}, "version": {}, "hostname": {}}})", json_text(name), json_text(version),
                     json_text(hostname));
}

std::string identity_headers(const Identity& identity) {
  std::string headers = fmt::format("x-backend: {}\r\n", identity.pod);
  if (!identity.zone.empty()) headers += fmt::format("x-zone: {}\r\n", identity.zone);
  return headers + fmt::format("x-version: {}\r\n", identity.version);
}

void answer_json(mg_connection* connection, int status, const std::string& headers, const std::string& body) {
  mg_printf(connection, "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n%s\r\n", status,
            mg_get_response_code_text(connection, status), body.size(), headers.c_str());
  if (mg_get_request_info(connection)->request_method != std::string_view("HEAD")) {
    mg_write(connection, body.data(), body.size());
  }
}

bool admitted(Admission& admission, mg_connection* connection, const std::string& headers) {
  std::promise<Answer> answered;
  Ticket ticket(admission, Ticket::Needs::kStart);
  ticket.enter([&](Answer said) { answered.set_value(said); });
  if (answered.get_future().get() == Answer::kGo) return true;
  answer_json(connection, 503, headers, R"({"error": "the server is starting"})");
  return false;
}

std::unique_ptr<CivetServer> listen_kept(const std::string& what, const std::string& address, const std::string& flag) {
  const std::vector<std::string> settings = {"listening_ports",   address, "num_threads",           kThreads,
                                             "enable_keep_alive", "yes",   "keep_alive_timeout_ms", kIdleMilliseconds,
                                             "tcp_nodelay",       "1"};
  return listen_http(settings, what, address, flag);
}

}  // namespace lgen::server
