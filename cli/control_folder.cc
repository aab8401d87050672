#include "control_folder.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

namespace lgen::cli {
namespace {

constexpr std::string_view kSuffix = ".sock";

std::string user_name(uid_t uid) {
  const passwd* user = ::getpwuid(uid);
  return user ? user->pw_name : fmt::format("{}", uid);
}

/// A real folder, ours, closed to all others: nobody can put a socket of their own in its place.
Outcome check_private(const std::string& folder) {
  struct stat status {};
  if (::lstat(folder.c_str(), &status) != 0) {
    return make_error(ErrorCode::io, fmt::format("{}: {}", folder, std::strerror(errno)));
  }
  if (!S_ISDIR(status.st_mode)) return make_error(ErrorCode::io, fmt::format("{} is no folder", folder));
  if (status.st_uid != ::geteuid()) {
    return make_error(ErrorCode::io, fmt::format("{} belongs to {}", folder, user_name(status.st_uid)));
  }
  if ((status.st_mode & 077) != 0) return make_error(ErrorCode::io, fmt::format("{} is open to others", folder));
  return Done{};
}

Outcome make_private(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return make_error(ErrorCode::io, fmt::format("{}: {}", folder, std::strerror(errno)));
  }
  return check_private(folder);
}

std::optional<pid_t> pid_of(const std::string& name) {
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  if (error != std::errc{} || std::string_view(end) != kSuffix || pid <= 0) return std::nullopt;
  return pid;
}

/// Nobody listens behind the path any more.
bool is_stale(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  path.copy(address.sun_path, path.size());
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (probe < 0) return false;
  const bool refused =
      ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

void look_into(const std::string& folder, std::vector<ControlSocket>& found, std::vector<pid_t>& gone) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string path = entry.path().string();
    const auto pid = pid_of(entry.path().filename().string());
    struct stat status {};
    if (!pid || ::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
    if (status.st_uid != ::geteuid()) continue;
    if (is_stale(path)) {
      ::unlink(path.c_str());
      gone.push_back(*pid);
    } else {
      found.push_back({*pid, path});
    }
  }
}

}  // namespace

/// Where the system gives each user a folder of their own, in there.
std::string control_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime && *runtime == '/' && ::access(runtime, W_OK | X_OK) == 0) return fmt::format("{}/lgen", runtime);
  return fmt::format("/tmp/lgen-{}", ::geteuid());
}

Result<std::string> own_control_socket() {
  const std::string folder = control_folder();
  if (const Outcome made = make_private(folder); !made) return made.error();
  return fmt::format("{}/{}{}", folder, ::getpid(), kSuffix);
}

std::vector<ControlSocket> control_sockets(std::vector<pid_t>& gone) {
  std::vector<ControlSocket> found;
  const std::string folder = control_folder();
  if (check_private(folder)) look_into(folder, found, gone);
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return found;
}

std::string no_control_socket(pid_t pid, const std::vector<pid_t>& gone) {
  if (std::find(gone.begin(), gone.end(), pid) != gone.end()) {
    return fmt::format("run {} is gone; the socket it had left behind is removed", pid);
  }
  struct stat status {};
  if (::stat(fmt::format("/proc/{}", pid).c_str(), &status) != 0) return fmt::format("there is no process {}", pid);
  if (status.st_uid != ::geteuid()) {
    return fmt::format("process {} belongs to {}, who alone may control it", pid, user_name(status.st_uid));
  }
  return fmt::format("process {} is no run of lgen that can be controlled (looked in {})", pid, control_folder());
}

}  // namespace lgen::cli
