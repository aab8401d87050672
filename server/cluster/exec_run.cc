#include "exec_run.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <csignal>
#include <utility>

#include "error.h"

namespace lgen::cluster {

namespace {

// `env` finds the program on the PATH of the environment it is given.
ChildSpec child_spec(const ExecSpec& spec, const ProcessGuard& guard) {
  ChildSpec child{"/usr/bin/env", {"--"}, spec.log_path, {}, spec.environment};
  child.guard_fd = guard.fd();
  child.arguments.insert(child.arguments.end(), spec.command.begin(), spec.command.end());
  return child;
}

}  // namespace

ExecRun::ExecRun(uv_loop_t* loop, ProcessGuard& guard, const ExecSpec& spec, std::function<void(const Answer&)> done)
    : guard_(guard), done_(std::move(done)), timer_(loop) {
  try {
    process_ = std::make_unique<ChildProcess>(loop, child_spec(spec, guard), [this](int status) {
      end_group();
      ended({!timed_out_ && WIFEXITED(status) && WEXITSTATUS(status) == 0,
             timed_out_ ? "it took too long" : describe_exit(status)});
    });
  } catch (const ClusterError& e) {
    timer_.start(std::chrono::milliseconds(0), [this, text = std::string(e.what())] { ended({false, text}); });
    return;
  }
  if (spec.timeout.count() == 0) return;
  timer_.start(spec.timeout, [this] {
    timed_out_ = true;
    kill_group();
  });
}

ExecRun::~ExecRun() {
  if (process_ != nullptr && process_->running()) end_group();
}

// The child leads a group of its own, which outlives it while anything in it runs.
void ExecRun::kill_group() { kill(-process_->pid(), SIGKILL); }

void ExecRun::end_group() {
  kill_group();
  guard_.remove(process_->pid());
}

void ExecRun::ended(const Answer& answer) {
  timer_.stop();
  const auto done = std::exchange(done_, nullptr);
  const Answer kept = answer;
  done(kept);
}

}  // namespace lgen::cluster
