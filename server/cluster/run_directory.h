// The private directory of one cluster (configuration, sockets, logs), removed at the end.
//
// *Thread:* any. *Lifetime:* the directory's is the object's; a killed lgen-cluster leaves it behind.
#pragma once

#include <string>

#include "cluster_options.h"

namespace lgen::cluster {

class RunDirectory {
 public:
  // Below TMPDIR, or /tmp if that is too long for the sockets inside or has a space.
  RunDirectory();
  ~RunDirectory();
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

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
