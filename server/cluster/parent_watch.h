// Tells when the process that started us is gone.
//
// *Thread:* the loop's. *Lifetime:* destruction ends the watch.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>

#include "unique_fd.h"
#include "uv_handles.h"

namespace lgen::cluster {

class ParentWatch {
 public:
  // Watches the process, not (as PR_SET_PDEATHSIG would) the thread of it that started us. A parent in another pid
  // namespace, or on a kernel without pidfds, is watched by PR_SET_PDEATHSIG.
  ParentWatch(uv_loop_t* loop, std::function<void()> on_gone);

 private:
  UniqueFd pidfd_;
  std::unique_ptr<FdWatch> watch_;
};

}  // namespace lgen::cluster
