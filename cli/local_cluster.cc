#include "local_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

#include "early_signals.h"
#include "local_spec.h"

extern char** environ;

namespace lgen::cli {
namespace {

Error failure(ErrorCode code, std::string message) { return make_error(code, "--local: " + std::move(message)); }

/// lgen-cluster is installed beside us.
std::string program_path() {
  return std::filesystem::read_symlink("/proc/self/exe").replace_filename("lgen-cluster").string();
}

/// Own process group: Ctrl-C reaches lgen alone, which stops the cluster when the run has ended.
Result<pid_t> spawn(const std::string& program, const std::vector<std::string>& flags, int output) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const std::string& flag : flags) argv.push_back(const_cast<char*>(flag.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  pid_t pid = -1;
  const int error = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error == 0) return pid;
  return failure(ErrorCode::not_found, fmt::format("cannot start {}: {}; it is built and installed beside lgen",
                                                   program, std::strerror(error)));
}

/// False: a signal came before `fd` had something to read.
bool wait_readable(int fd) {
  pollfd entries[] = {{fd, POLLIN, 0}, {early_signal_fd(), POLLIN, 0}};
  while (poll(entries, std::size(entries), -1) < 0 && errno == EINTR) {
  }
  return early_signal() == 0;
}

/// The first line of `fd`, or what came before its end, or before a signal.
std::string read_line(int fd) {
  std::string line;
  char c;
  while (wait_readable(fd) && read(fd, &c, 1) == 1 && c != '\n') line += c;
  return line;
}

/// The value of "key=value" in lgen-cluster's line; "" when it is not there.
std::string_view word_of(std::string_view line, std::string_view key) {
  const std::string start = fmt::format(" {}=", key);
  const std::size_t at = line.find(start);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + start.size());
  return line.substr(0, line.find(' '));
}

/// With manifests lgen-cluster writes events: the line of the one that says that the pods are there, or "" at the end.
std::string read_ready_event(int fd, std::string line) {
  while (!line.empty() && !line.starts_with(R"({"event":"ready")")) line = read_line(fd);
  return line;
}

/// "3 pods behind HAProxy at ADDRESS, ...", or "" when `line` does not tell of it. Other Deployments of the manifests
/// have pods, too.
std::string describe(const std::string& line) {
  if (line.starts_with('{')) {
    const auto event = nlohmann::json::parse(line, nullptr, false);
    if (event.is_discarded()) return "";
    const int pods = event.value("pods", 0), behind = event.value("target_pods", 0);
    return fmt::format("{} of the manifests' pods behind HAProxy at {}{}", behind, event.value("address", ""),
                       pods > behind ? fmt::format(", {} others elsewhere", pods - behind) : "");
  }
  if (word_of(line, "address").empty()) return "";
  return fmt::format("{} pods behind HAProxy at {}, balance={}", word_of(line, "pods"), word_of(line, "address"),
                     word_of(line, "balance"));
}

/// A loopback port that nobody has as long as this lives; 0: there is none.
struct FreePort {
  FreePort() : fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    const bool ok = fd >= 0 && bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
    port = ok ? ntohs(address.sin_port) : 0;
  }
  ~FreePort() {
    if (fd >= 0) close(fd);
  }
  FreePort(const FreePort&) = delete;
  FreePort& operator=(const FreePort&) = delete;

  int fd;
  int port;
};

}  // namespace

Result<LocalPorts> LocalCluster::free_ports() {
  // Both at once, so that they are not the same one.
  const FreePort target, discovery;
  if (target.port == 0 || discovery.port == 0) return failure(ErrorCode::exhausted, "there is no free port");
  return LocalPorts{target.port, discovery.port};
}

Result<std::unique_ptr<LocalCluster>> LocalCluster::start(const std::string& spec, const LocalPorts& ports) {
  auto flags = local_flags(spec);
  if (!flags) return flags.error();
  flags->insert(flags->end(), {"--port", std::to_string(ports.target)});
  flags->insert(flags->end(), {"--sd-port", std::to_string(ports.discovery)});
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failure(ErrorCode::exhausted, std::strerror(errno));
  std::unique_ptr<LocalCluster> cluster(new LocalCluster);
  cluster->output_ = ends[0];
  const auto pid = spawn(program_path(), *flags, ends[1]);
  close(ends[1]);
  if (!pid) return pid.error();
  cluster->pid_ = *pid;
  std::string ready = read_line(cluster->output_);
  if (ready.starts_with('{')) ready = read_ready_event(cluster->output_, std::move(ready));
  if (early_signal() != 0) return failure(ErrorCode::cancelled, "interrupted while the stand-in cluster was starting");
  cluster->description_ = describe(ready);
  if (cluster->description_.empty()) {
    return failure(ErrorCode::unavailable, "the stand-in cluster did not start; lgen-cluster said why above");
  }
  return cluster;
}

std::string LocalCluster::how_it_ended() const {
  siginfo_t info{};
  // Left to be waited for by the destructor.
  if (waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return "";
  const bool exited = info.si_code == CLD_EXITED;
  return fmt::format("lgen-cluster (pid {}) {} {}", pid_, exited ? "exited with code" : "was killed by signal",
                     info.si_status);
}

LocalCluster::~LocalCluster() {
  if (output_ >= 0) close(output_);
  if (pid_ < 0) return;
  kill(pid_, SIGTERM);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace lgen::cli
