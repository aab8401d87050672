// Sees to it that process groups end with us, even if we are killed: a process of our own that notices our end.
//
// A child dies with us because it has asked the kernel for that; what a child starts has not, and the commands of hooks
// and probes are shells, which start things.
//
// *Thread:* make it before there are other threads. *Lifetime:* destruction ends it, with all groups still guarded.
#pragma once

#include <sys/types.h>

#include "unique_fd.h"

namespace lgen::cluster {

class ProcessGuard {
 public:
  ProcessGuard();
  ~ProcessGuard();
  ProcessGuard(const ProcessGuard&) = delete;
  ProcessGuard& operator=(const ProcessGuard&) = delete;

  // A process that leads a new group writes its id here, before it starts anything.
  int fd() const { return pipe_.get(); }
  // Of a group that has ended.
  void remove(pid_t group);

 private:
  UniqueFd pipe_;
  pid_t pid_ = -1;
};

}  // namespace lgen::cluster
