#include "address_block.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "error.h"
#include "layout.h"
#include "tcp_port.h"

namespace lgen::cluster {

namespace {

constexpr int kBlocks = 1024;  // 127.0.0.11 .. 127.3.255.11

// Locks the /24 of `base_ip`: one cluster per 127.x.y. Returns none when another cluster, perhaps another user's, has
// it.
UniqueFd try_lock(const std::string& base_ip, const std::string& lock_dir) {
  const std::string net = base_ip.substr(0, base_ip.rfind('.'));
  const std::string path = fmt::format("{}/lgen-cluster-{}.lock", lock_dir, net);
  // Without O_CREAT first: in a sticky directory the kernel refuses it for a file of somebody else's.
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fd.reset(open(path.c_str(), O_RDONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!fd) throw ClusterError(fmt::format("cannot make the lock file {}: {}", path, std::strerror(errno)));
  if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) fd.reset();
  return fd;
}

struct TakenPort {
  std::string ip;
  std::uint16_t port;
};

// The first port of a pod that is taken.
std::optional<TakenPort> taken_port(const std::string& base_ip, int pods) {
  for (int i = 0; i < pods; ++i) {
    const std::string ip = nth_address(base_ip, i);
    for (const std::uint16_t port : {kGrpcPort, kMetricsPort}) {
      if (!is_free(ip, port)) return TakenPort{ip, port};
    }
  }
  return std::nullopt;
}

AddressBlock take_given(const std::string& base_ip, int pods, const std::string& lock_dir) {
  nth_address(base_ip, pods - 1);
  AddressBlock block{base_ip, try_lock(base_ip, lock_dir)};
  if (!block.lock) {
    throw ClusterError(
        fmt::format("another lgen-cluster has the addresses around {}; stop it, or give --base-ip auto", base_ip));
  }
  if (const auto taken = taken_port(base_ip, pods)) {
    throw ClusterError(fmt::format("port {} on {}, a pod's address, is in use by {}; stop it, or give --base-ip auto",
                                   taken->port, taken->ip, owner_of_port(taken->ip, taken->port)));
  }
  return block;
}

}  // namespace

AddressBlock take_address_block(const std::string& base_ip, int pods, const std::string& lock_dir) {
  if (base_ip != "auto") return take_given(base_ip, pods, lock_dir);
  std::optional<TakenPort> taken;
  for (int i = 0; i < kBlocks; ++i) {
    AddressBlock block{fmt::format("127.{}.{}.11", i / 256, i % 256), {}};
    block.lock = try_lock(block.base_ip, lock_dir);
    if (!block.lock) continue;
    const auto in_block = taken_port(block.base_ip, pods);
    if (!in_block) return block;
    taken = in_block;
  }
  if (!taken) throw ClusterError("every block of loopback addresses has a running lgen-cluster; stop some");
  // One program on all addresses (0.0.0.0 or [::]) blocks them all.
  throw ClusterError(fmt::format("the pods' port {} is in use on every loopback address by {}; stop it", taken->port,
                                 owner_of_port(taken->ip, taken->port)));
}

}  // namespace lgen::cluster
