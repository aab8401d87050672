#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "read_kinds.h"

namespace lgen::kube {

namespace {

constexpr std::int64_t kMostPort = 65535;

std::uint16_t read_port(const YamlNode& node, const std::vector<Port>& ports) {
  const std::string text = node.text();
  const auto named = std::find_if(ports.begin(), ports.end(), [&](const Port& port) { return port.name == text; });
  if (named != ports.end()) return named->number;
  if (text.find_first_not_of("-0123456789") != std::string::npos) {
    node.refuse(fmt::format("is {}, which is no port of the container", text));
  }
  return static_cast<std::uint16_t>(node.integer(1, kMostPort));
}

std::vector<std::string> read_command(const YamlNode& node) {
  auto command = node.strings();
  if (command.empty()) node.refuse("is missing");
  return command;
}

// One of `handlers` is there, and no other.
void check_handlers(const YamlNode& node, std::initializer_list<const char*> handlers) {
  std::string first;
  for (const char* handler : handlers) {
    if (!node[handler].given()) continue;
    if (!first.empty()) node[handler].refuse("may not be given beside " + first + ": one handler is all there can be");
    first = handler;
  }
}

// What is asked, and how.
void read_action(const YamlNode& node, const std::vector<Port>& ports, Probe& probe) {
  check_handlers(node, {"grpc", "httpGet", "tcpSocket", "exec"});
  if (node["grpc"].given()) {
    probe.kind = Probe::Kind::grpc;
    probe.port = static_cast<std::uint16_t>(node["grpc"]["port"].integer(1, kMostPort));
    probe.service = node["grpc"]["service"].text_or("");
  } else if (node["httpGet"].given()) {
    probe.kind = Probe::Kind::http;
    probe.port = read_port(node["httpGet"]["port"], ports);
    probe.path = node["httpGet"]["path"].text_or("/");
    if (!probe.path.starts_with('/')) probe.path = "/" + probe.path;
    if (node["httpGet"]["scheme"].text_or("HTTP") != "HTTP") node["httpGet"]["scheme"].refuse("must be HTTP here");
  } else if (node["tcpSocket"].given()) {
    probe.kind = Probe::Kind::tcp;
    probe.port = read_port(node["tcpSocket"]["port"], ports);
  } else if (node["exec"].given()) {
    probe.kind = Probe::Kind::exec;
    probe.command = read_command(node["exec"]["command"]);
  } else {
    node.refuse("asks nothing; give grpc, httpGet, tcpSocket or exec");
  }
}

}  // namespace

Probe read_probe(const YamlNode& node, const std::vector<Port>& ports, bool may_repeat) {
  Probe probe;
  read_action(node, ports, probe);
  probe.initial_delay = node["initialDelaySeconds"].seconds_or(0, 0);
  probe.period = node["periodSeconds"].seconds_or(10, 1);
  probe.timeout = node["timeoutSeconds"].seconds_or(1, 1);
  probe.failure_threshold = static_cast<int>(node["failureThreshold"].integer_or(3, 1));
  const YamlNode successes = node["successThreshold"];
  probe.success_threshold = static_cast<int>(successes.integer_or(1, 1));
  if (!may_repeat && probe.success_threshold != 1) successes.refuse("must be 1 for a startup or liveness probe");
  return probe;
}

PreStop read_pre_stop(const YamlNode& hook, const std::vector<Port>& ports, Duration grace) {
  PreStop stop;
  if (!hook.given()) return stop;
  check_handlers(hook, {"sleep", "exec", "httpGet", "tcpSocket"});
  if (const YamlNode sleep = hook["sleep"]; sleep.given()) {
    stop.kind = PreStop::Kind::sleep;
    stop.sleep = std::chrono::seconds(sleep["seconds"].integer(0));
    if (stop.sleep > grace) {
      sleep["seconds"].refuse("is longer than terminationGracePeriodSeconds, " +
                              fmt::format("{:g}", to_seconds(grace)));
    }
  } else if (hook["exec"].given()) {
    stop.kind = PreStop::Kind::exec;
    stop.command = read_command(hook["exec"]["command"]);
  } else if (const YamlNode http = hook["httpGet"]; http.given()) {
    stop.kind = PreStop::Kind::http;
    stop.port = read_port(http["port"], ports);
    stop.path = http["path"].text_or("/");
  } else {
    hook.refuse("does nothing; give sleep, exec or httpGet");
  }
  return stop;
}

}  // namespace lgen::kube
