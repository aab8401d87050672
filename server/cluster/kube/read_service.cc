#include <fmt/format.h>

#include "known_keys.h"
#include "read_kinds.h"

namespace lgen::kube {

namespace {

// As Istio and the gateways read them: appProtocol, else what the port's name begins with.
bool is_http1(const std::string& name, const std::string& protocol) {
  if (!protocol.empty()) return protocol == "http" || protocol == "HTTP";
  return name == "http" || name.starts_with("http-");
}

ServicePort read_port(const YamlNode& node) {
  ServicePort port;
  port.name = node["name"].text_or("");
  port.port = static_cast<std::uint16_t>(node["port"].integer(1, 65535));
  port.target = node["targetPort"].text_or(std::to_string(port.port));
  if (port.target.find_first_not_of("-0123456789") == std::string::npos && node["targetPort"].given()) {
    node["targetPort"].integer(1, 65535);
  }
  port.http1 = is_http1(port.name, node["appProtocol"].text_or(""));
  return port;
}

}  // namespace

Service read_service(const YamlNode& object, std::vector<Skipped>& skipped) {
  Service service;
  const YamlNode spec = object["spec"];
  service.name = object["metadata"]["name"].text();
  check_service_keys(spec, skipped);
  service.headless = spec["clusterIP"].text_or("") == "None";
  service.selector = spec["selector"].string_map();
  for (const YamlNode& item : spec["ports"].items()) service.ports.push_back(read_port(item));
  return service;
}

}  // namespace lgen::kube
