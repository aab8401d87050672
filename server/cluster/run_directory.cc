#include "run_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "error.h"
#include "unique_fd.h"

namespace lgen::cluster {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPattern = "/lgen-cluster.XXXXXX";
constexpr const char* kOwnerFile = "/owner.json";
constexpr std::size_t kLongestBase = 60;  // a socket's path has 107 characters at most

std::string base_directory() {
  const char* given = std::getenv("TMPDIR");
  const std::string base = given != nullptr ? given : "";
  const bool usable =
      base.starts_with('/') && base.size() <= kLongestBase && base.find_first_of(" \t\"'#\\") == base.npos;
  return usable ? base : "/tmp";
}

std::string read_file(const std::string& path, const char* flag) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || text.str().empty()) {
    throw ClusterError(fmt::format("cannot read {} {}: {}", flag, path, errno != 0 ? std::strerror(errno) : "empty"));
  }
  return text.str();
}

std::chrono::seconds unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch());
}

bool lock(const UniqueFd& fd) { return fd && flock(fd.get(), LOCK_EX | LOCK_NB) == 0; }

// Locked before it has its name, so that nobody finds it with its owner alive and the lock free.
UniqueFd write_owner(const std::string& directory, const std::vector<std::string>& manifests) {
  const std::string unnamed = directory + kOwnerFile + ".new";
  UniqueFd fd(open(unnamed.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const nlohmann::json facts = {{"pid", getpid()}, {"manifests", manifests}, {"unix_seconds", unix_now().count()}};
  const std::string text = facts.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  const bool made = lock(fd) && write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                    rename(unnamed.c_str(), (directory + kOwnerFile).c_str()) == 0;
  if (made) return fd;
  const int error = errno;
  std::error_code ignored;
  fs::remove_all(directory, ignored);
  throw ClusterError(fmt::format("cannot write {}{}: {}", directory, kOwnerFile, std::strerror(error)));
}

// Of this user, and its lgen-cluster's lock is free.
bool is_abandoned(const std::string& directory) {
  struct stat status {};
  if (lstat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode) || status.st_uid != geteuid()) return false;
  return lock(UniqueFd(open((directory + kOwnerFile).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)));
}

void remove_abandoned(const std::string& base) {
  const std::string prefix = std::string(kPattern).substr(1, std::strlen(kPattern) - 7);
  std::vector<fs::path> abandoned;
  std::error_code ignored;
  for (fs::directory_iterator entry(base, ignored), end; entry != end; entry.increment(ignored)) {
    const std::string name = entry->path().filename();
    if (name.starts_with(prefix) && is_abandoned(entry->path())) abandoned.push_back(entry->path());
  }
  for (const fs::path& directory : abandoned) fs::remove_all(directory, ignored);
}

}  // namespace

RunDirectory::RunDirectory(const std::vector<std::string>& manifests) : path_(base_directory() + kPattern) {
  remove_abandoned(base_directory());
  if (mkdtemp(path_.data()) == nullptr) {
    throw ClusterError(fmt::format("cannot make the directory {}: {}", path_, std::strerror(errno)));
  }
  owner_ = write_owner(path_, manifests);
}

std::optional<RunOwner> owner_of(const std::string& directory) {
  std::ifstream in(directory + kOwnerFile);
  const auto told = nlohmann::json::parse(in, nullptr, false);
  if (!told.is_object()) return std::nullopt;
  try {
    const std::chrono::seconds since(told.at("unix_seconds").get<std::int64_t>());
    return RunOwner{told.at("pid"), told.at("manifests"), unix_now() - since};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

RunDirectory::~RunDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void check_tls_files(const TlsFiles& tls) {
  errno = 0;
  read_file(tls.cert, "--tls-cert");
  read_file(tls.key, "--tls-key");
}

std::string write_pem(const TlsFiles& tls, const std::string& directory) {
  const std::string path = directory + "/front.pem";
  const std::string text = read_file(tls.cert, "--tls-cert") + "\n" + read_file(tls.key, "--tls-key");
  const UniqueFd fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw ClusterError(fmt::format("cannot write {}: {}", path, std::strerror(errno)));
  }
  return path;
}

std::string prepare_tls(const ClusterOptions& options, const std::string& run_dir) {
  if (!options.tls.given()) return "";
  check_tls_files(options.tls);
  return options.balance == Balance::kConnection ? "" : write_pem(options.tls, run_dir);
}

std::string make_log_directory(const std::string& directory) {
  std::error_code error;
  const fs::path path = fs::absolute(directory, error);
  fs::create_directories(path, error);
  if (error || access(path.c_str(), W_OK) != 0) {
    throw ClusterError(
        fmt::format("cannot write into --log-dir {}: {}", directory, error ? error.message() : std::strerror(errno)));
  }
  return path;
}

}  // namespace lgen::cluster
