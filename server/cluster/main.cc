// lgen-cluster: a local stand-in for a Deployment of lgen-server behind a load balancer.
#include <fmt/format.h>
#include <unistd.h>
#include <uv.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "cluster.h"
#include "cluster_options.h"
#include "descriptor_limit.h"
#include "error.h"
#include "kube_cluster.h"
#include "orders.h"
#include "parent_watch.h"
#include "standard_streams.h"

namespace lgen::cluster {

namespace {

// lgen-server is installed beside us.
std::string find_server() {
  const std::string path = std::filesystem::read_symlink("/proc/self/exe").replace_filename("lgen-server");
  if (access(path.c_str(), X_OK) == 0) return path;
  throw ClusterError(fmt::format("there is no program {}; build it or install it beside lgen-cluster", path));
}

Programs find_programs(const ClusterOptions& options) {
  const char* path = std::getenv("PATH");
  return {find_server(), find_haproxy(options.haproxy, path != nullptr ? path : "")};
}

template <class Cluster>
int run_cluster(uv_loop_t* loop, const ClusterOptions& options) {
  // What stops us is watched before anything starts.
  Cluster* cluster = nullptr;
  const auto stop = [&cluster] { cluster->stop(); };
  const SignalWatch on_term(loop, SIGTERM, stop);
  const SignalWatch on_int(loop, SIGINT, stop);
  const SignalWatch on_hangup(loop, SIGHUP, stop);
  const ParentWatch on_parent_gone(loop, [&] {
    server::complain("lgen-cluster: the process that started it is gone: stops, as it lives no longer than that");
    stop();
  });

  // Everything that can be refused is refused here; what happens later is in the exit code.
  Cluster running(loop, options, find_programs(options));
  cluster = &running;
  uv_run(loop, UV_RUN_DEFAULT);
  return running.exit_code();
}

int run(const ClusterOptions& options) {
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  uv_loop_t loop;
  uv_loop_init(&loop);
  int exit_code = kExitConfiguration;
  try {
    exit_code =
        options.manifests.empty() ? run_cluster<Cluster>(&loop, options) : run_cluster<KubeCluster>(&loop, options);
  } catch (const ClusterError& e) {
    server::complain(fmt::format("lgen-cluster: {}", e.what()));
  } catch (const kube::ManifestError& e) {
    server::complain(fmt::format("lgen-cluster: {}", e.what()));
  }
  // Lets the closed handles go.
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return exit_code;
}

}  // namespace

}  // namespace lgen::cluster

int main(int argc, char** argv) {
  lgen::server::keep_standard_descriptors();
  if (lgen::cluster::is_order(argc, argv)) return lgen::cluster::run_order(argc, argv);
  const auto parsed = lgen::cluster::parse_options(argc, argv);
  if (const int* exit_code = std::get_if<int>(&parsed)) return *exit_code;
  return lgen::cluster::run(std::get<lgen::cluster::ClusterOptions>(parsed));
}
