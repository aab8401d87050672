#include "haproxy.h"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "error.h"
#include "unix_socket.h"

namespace lgen::cluster {

namespace {

constexpr std::chrono::milliseconds kPollPeriod{10};

ChildSpec child_spec(const HaproxySpec& spec) {
  const std::string config_path = spec.run_dir + "/haproxy.cfg";
  std::ofstream out(config_path);
  out << spec.config;
  out.close();
  if (!out) throw ClusterError(fmt::format("cannot write {}", config_path));
  return {spec.program, {"-db", "-f", config_path}, spec.run_dir + "/haproxy.log", spec.listener_fds};
}

// HAProxy listens on its runtime socket and its front in one step, so who answers on one answers on the other.
bool accepts(const std::string& socket_path) { return static_cast<bool>(connect_unix(socket_path)); }

}  // namespace

Haproxy::Haproxy(uv_loop_t* loop, const HaproxySpec& spec, Events events)
    : socket_path_(spec.run_dir + "/haproxy.sock"),
      events_(std::move(events)),
      timer_(loop),
      process_(loop, child_spec(spec), [this](int status) {
        timer_.stop();
        events_.on_exit(status);
      }) {
  timer_.start(kPollPeriod, [this] { poll_socket(); });
}

void Haproxy::poll_socket() {
  if (accepts(socket_path_)) return events_.on_ready();
  timer_.start(kPollPeriod, [this] { poll_socket(); });
}

std::string find_haproxy(const std::string& name, const std::string& path) {
  if (name.find('/') != std::string::npos) {
    if (access(name.c_str(), X_OK) == 0) return name;
    throw ClusterError(
        fmt::format("there is no program {}; check --haproxy, or install it: apt-get install haproxy", name));
  }
  std::istringstream directories(path + ":/usr/local/sbin:/usr/sbin");
  std::string directory;
  while (std::getline(directories, directory, ':')) {
    const std::string candidate = directory + "/" + name;
    if (!directory.empty() && access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw ClusterError(fmt::format("HAProxy ({}) is not installed; install it: apt-get install haproxy", name));
}

}  // namespace lgen::cluster
