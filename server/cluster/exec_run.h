// One command of an exec probe or hook: run, given up after a time, and never left behind.
//
// *Thread:* the main thread. *Lifetime:* destruction kills the command and what it has started.
#pragma once

#include <uv.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "child_process.h"
#include "exchange.h"
#include "process_guard.h"
#include "uv_handles.h"

namespace lgen::cluster {

struct ExecSpec {
  std::vector<std::string> command;
  std::vector<std::string> environment;  // "NAME=value", PATH among them
  std::string log_path;
  std::chrono::milliseconds timeout{0};  // 0: none
};

class ExecRun {
 public:
  // `done` runs once, never inside the constructor. A command that cannot be started is answered as one that failed.
  ExecRun(uv_loop_t* loop, ProcessGuard& guard, const ExecSpec& spec, std::function<void(const Answer&)> done);
  ~ExecRun();
  ExecRun(const ExecRun&) = delete;
  ExecRun& operator=(const ExecRun&) = delete;

 private:
  void kill_group();
  void end_group();
  void ended(const Answer& answer);

  ProcessGuard& guard_;
  std::function<void(const Answer&)> done_;
  bool timed_out_ = false;
  Timer timer_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace lgen::cluster
