#include "sd_endpoint.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "tcp_port.h"

namespace lgen::cluster {

namespace {

constexpr std::size_t kLongestRequest = 16384;
constexpr std::size_t kMostConnections = 64;

std::string response(const char* status, const char* type, const std::string& body) {
  return fmt::format("HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", status,
                     type, body.size(), body);
}

}  // namespace

std::string sd_document(const std::vector<PodSpec>& pods) {
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const PodSpec& pod : pods) {
    nlohmann::ordered_json labels = {{"pod", pod.name}};
    if (!pod.zone.empty()) labels["zone"] = pod.zone;
    groups.push_back({{"targets", {fmt::format("{}:{}", pod.ip, pod.metrics_port)}}, {"labels", labels}});
  }
  return groups.dump();
}

std::string sd_answer(std::string_view request, const SdDocuments& documents, const EventHistory& events) {
  if (!request.starts_with("GET ")) return response("405 Method Not Allowed", "text/plain", "only GET\n");
  request.remove_prefix(4);
  const std::string_view target = request.substr(0, request.find_first_of(" ?\r"));
  if (target == "/events" && events) return response("200 OK", "application/x-ndjson", events());
  if (target == "/events") {
    return response("404 Not Found", "text/plain", "only a cluster with manifests (-f) has events\n");
  }
  if (target == "/sd") return response("200 OK", "application/json", documents.all);
  if (target == "/sd/target") return response("200 OK", "application/json", documents.target);
  return response("404 Not Found", "text/plain",
                  "the service discovery is at /sd, of the pods behind --port alone at "
                  "/sd/target\n");
}

struct SdEndpoint::Connection {
  UniqueFd socket;
  std::string request;
  std::string answer;  // what is still to be sent
  std::unique_ptr<FdWatch> watch;
};

SdEndpoint::SdEndpoint(uv_loop_t* loop, std::uint16_t port, EventHistory events)
    : loop_(loop),
      events_(std::move(events)),
      listener_(listen_on("127.0.0.1", port, "--sd-port")),
      watch_(loop, listener_.get(), UV_READABLE, [this] { accept_one(); }) {}

SdEndpoint::~SdEndpoint() = default;

std::string SdEndpoint::url_of(const char* path) const {
  return fmt::format("http://127.0.0.1:{}{}", port_of(listener_), path);
}

void SdEndpoint::accept_one() {
  UniqueFd socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return;
  // Whoever connects and says nothing must not keep the others out for ever.
  if (connections_.size() == kMostConnections) connections_.pop_front();
  connections_.push_back({std::move(socket), {}, {}, nullptr});
  const auto connection = std::prev(connections_.end());
  connection->watch = std::make_unique<FdWatch>(loop_, connection->socket.get(), UV_READABLE,
                                                [this, connection] { read_request(connection); });
}

void SdEndpoint::read_request(Connections::iterator connection) {
  char bytes[2048];
  const ssize_t count = recv(connection->socket.get(), bytes, sizeof bytes, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count > 0) connection->request.append(bytes, static_cast<std::size_t>(count));
  if (count <= 0 || connection->request.size() > kLongestRequest) {
    connections_.erase(connection);
    return;
  }
  if (connection->request.find("\r\n\r\n") == std::string::npos) return;
  connection->answer = sd_answer(connection->request, documents_, events_);
  connection->watch = nullptr;
  connection->watch = std::make_unique<FdWatch>(loop_, connection->socket.get(), UV_WRITABLE,
                                                [this, connection] { send_answer(connection); });
}

void SdEndpoint::send_answer(Connections::iterator connection) {
  std::string& rest = connection->answer;
  const ssize_t count = send(connection->socket.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
  if (count < 0 && errno == EAGAIN) return;
  if (count > 0) rest.erase(0, static_cast<std::size_t>(count));
  if (count <= 0 || rest.empty()) connections_.erase(connection);
}

}  // namespace lgen::cluster
