// The private directory of one cluster (configuration, sockets, logs), removed at the end.
//
// *Thread:* any. *Lifetime:* the directory's is the object's; what a killed lgen-cluster leaves behind, the next one
// removes.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "cluster_options.h"
#include "unique_fd.h"

namespace lgen::cluster {

class RunDirectory {
 public:
  // Below TMPDIR, or /tmp if that is too long for the sockets inside or has a space. Removes those there whose
  // lgen-cluster is dead. `manifests` are for whoever looks for a cluster.
  explicit RunDirectory(const std::vector<std::string>& manifests = {});
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  UniqueFd owner_;  // locked while we live
};

// What a cluster's directory tells of its lgen-cluster.
struct RunOwner {
  int pid = 0;
  std::vector<std::string> manifests;
  std::chrono::seconds age{0};
};

// Nothing: the directory does not tell.
std::optional<RunOwner> owner_of(const std::string& directory);

// Certificate and key as the one file HAProxy wants, for the owner's eyes only; its path. Throws ClusterError naming
// the unreadable one.
std::string write_pem(const TlsFiles& tls, const std::string& directory);

// Throws ClusterError when one of the files cannot be read.
void check_tls_files(const TlsFiles& tls);

// Checks the files of --tls-cert and --tls-key; the path of the one for HAProxy, or "" when it does not end TLS itself.
std::string prepare_tls(const ClusterOptions& options, const std::string& run_dir);

// The absolute path of `directory`, made if it is not there. Throws ClusterError if it cannot be written.
std::string make_log_directory(const std::string& directory);

}  // namespace lgen::cluster
