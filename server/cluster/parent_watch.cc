#include "parent_watch.h"

#include <sys/prctl.h>

#include <csignal>
#include <utility>

#include "pidfd.h"

namespace lgen::cluster {

ParentWatch::ParentWatch(uv_loop_t* loop, std::function<void()> on_gone) {
  if (const pid_t parent = getppid(); parent > 0) pidfd_ = open_pidfd(parent);
  if (!pidfd_) {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    return;
  }
  watch_ = std::make_unique<FdWatch>(loop, pidfd_.get(), UV_READABLE, [this, gone = std::move(on_gone)] {
    // The descriptor stays readable for ever: one report, then silence.
    const auto report = gone;
    watch_.reset();
    report();
  });
}

}  // namespace lgen::cluster
