// A run of loopback addresses for the pods, kept from other clusters by a lock on a file.
//
// *Thread:* any. *Lifetime:* the lock holds while any process has the descriptor open; the pods inherit it, so a block
// is not dealt out again before the last of them is gone, even if lgen-cluster is killed.
#pragma once

#include <string>

#include "unique_fd.h"

namespace lgen::cluster {

struct AddressBlock {
  std::string base_ip;
  UniqueFd lock;
};

// `base_ip` itself, or with "auto" the first 127.x.y.11 whose lock and ports are free. Lock files stay in `lock_dir`:
// removing one would let two clusters lock two files of the same name. Throws ClusterError when there is none.
AddressBlock take_address_block(const std::string& base_ip, int pods, const std::string& lock_dir);

}  // namespace lgen::cluster
