#include "run_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "error.h"
#include "unique_fd.h"

namespace lgen::cluster {

namespace fs = std::filesystem;

namespace {

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

}  // namespace

RunDirectory::RunDirectory() : path_(base_directory() + "/lgen-cluster.XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) {
    throw ClusterError(fmt::format("cannot make the directory {}: {}", path_, std::strerror(errno)));
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
