#include "sd_endpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "error.h"
#include "tcp_port.h"

namespace lgen::cluster {

std::string sd_document(const std::vector<PodSpec>& pods) {
  nlohmann::ordered_json groups = nlohmann::ordered_json::array();
  for (const PodSpec& pod : pods) {
    nlohmann::ordered_json labels = {{"pod", pod.name}};
    if (!pod.zone.empty()) labels["zone"] = pod.zone;
    groups.push_back({{"targets", {fmt::format("{}:{}", pod.ip, kMetricsPort)}}, {"labels", labels}});
  }
  return groups.dump();
}

class SdEndpoint::Handler : public CivetHandler {
 public:
  bool handleGet(CivetServer*, mg_connection* connection) override {
    const std::string json = document();
    mg_send_http_ok(connection, "application/json", static_cast<long long>(json.size()));
    mg_write(connection, json.data(), json.size());
    return true;
  }

  void set_document(std::string json) {
    const std::lock_guard lock(mutex_);
    json_ = std::move(json);
  }

 private:
  std::string document() {
    const std::lock_guard lock(mutex_);
    return json_;
  }

  std::mutex mutex_;
  std::string json_ = "[]";
};

SdEndpoint::SdEndpoint(std::uint16_t port) : handler_(std::make_unique<Handler>()) {
  // Asked first because civetweb would only say that it failed.
  if (port != 0) listen_on("127.0.0.1", port, "--sd-port");
  const std::vector<std::string> options = {"listening_ports", fmt::format("127.0.0.1:{}", port), "num_threads", "2"};
  try {
    server_ = std::make_unique<CivetServer>(options);
  } catch (const CivetException& e) {
    throw ClusterError(
        fmt::format("cannot serve the service discovery on 127.0.0.1:{}: {}; give another --sd-port", port, e.what()));
  }
  server_->addHandler("/sd", *handler_);
}

SdEndpoint::~SdEndpoint() = default;

std::string SdEndpoint::url() const {
  return fmt::format("http://127.0.0.1:{}/sd", server_->getListeningPorts().at(0));
}

void SdEndpoint::set_document(std::string json) { handler_->set_document(std::move(json)); }

}  // namespace lgen::cluster
