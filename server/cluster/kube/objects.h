// What lgen-cluster takes from Kubernetes' manifests, as values with Kubernetes' defaults.
//
// *Thread:* plain values. *Units:* CPU in millicores; durations as the manifest says, before any time scale.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "lgen/hpa.h"
#include "lgen/time.h"

namespace lgen::kube {

// "FILE:LINE: where in the object: what is wrong".
struct ManifestError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Probe {
  enum class Kind { grpc, http, tcp, exec };
  Kind kind = Kind::tcp;
  std::uint16_t port = 0;
  std::string path = "/";            // http
  std::string service;               // grpc
  std::vector<std::string> command;  // exec
  Duration initial_delay{0};
  Duration period = std::chrono::seconds(10);
  Duration timeout = std::chrono::seconds(1);
  int success_threshold = 1;
  int failure_threshold = 3;
};

struct PreStop {
  enum class Kind { none, sleep, exec, http };
  Kind kind = Kind::none;
  Duration sleep{0};
  std::vector<std::string> command;  // exec
  std::uint16_t port = 0;            // http
  std::string path = "/";            // http
};

struct Port {
  std::string name;
  std::uint16_t number = 0;
};

// A variable with a value, or with what the downward API knows ("metadata.name", "status.podIP",
// "metadata.labels['app']").
struct EnvVar {
  std::string name, value, field;
};

struct PodTemplate {
  std::string container, image;
  std::vector<std::string> args;
  std::vector<EnvVar> env;
  std::vector<Port> ports;
  std::map<std::string, std::string> labels;
  std::int64_t cpu_request = 0;  // 0: none
  std::optional<Probe> startup, readiness, liveness;
  PreStop pre_stop;
  Duration grace = std::chrono::seconds(30);  // terminationGracePeriodSeconds
};

// "2" or "25%".
struct Amount {
  int value = 25;
  bool percent = true;

  int of_up(int whole) const { return percent ? (whole * value + 99) / 100 : value; }
  int of_down(int whole) const { return percent ? whole * value / 100 : value; }
};

struct Strategy {
  bool recreate = false;
  Amount max_surge, max_unavailable;
};

struct Deployment {
  std::string name;
  int replicas = 1;
  bool replicas_given = false;
  std::string replicas_place;  // "FILE:LINE: spec.replicas", for messages
  Strategy strategy;
  Duration min_ready{0};
  PodTemplate pod;
};

struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
  std::string target;  // a number or a container port's name
  bool http1 = false;  // by its name or appProtocol
};

struct Service {
  std::string name;
  bool headless = false;
  std::map<std::string, std::string> selector;
  std::vector<ServicePort> ports;
};

struct Autoscaler {
  std::string name;
  std::string deployment;
  std::string min_place, max_place;  // as replicas_place
  hpa::Spec spec;
};

struct Skipped {
  std::string kind, name, where, why;
};

struct Manifests {
  std::vector<Deployment> deployments;
  std::vector<Service> services;
  std::vector<Autoscaler> autoscalers;
  std::vector<Skipped> skipped;
};

}  // namespace lgen::kube
