// A run that takes orders while it goes on: pause, resume, scale, stop and status, as HTTP on a local socket that only
// its owner may use. Answers are JSON: what was done, or why it was not.
//   GET /status                          POST /scale?scenario=NAME&vus=N
//   POST /pause   POST /resume           POST /stop[?scenario=NAME]
// Thread: the loop's. Lifetime: loop, runner and the RunInfo outlive it.
#pragma once

#include <functional>
#include <string>

#include "lgen/error.h"
#include "lgen/http_server.h"
#include "lgen/loop.h"
#include "lgen/runner.h"
#include "lgen/summary.h"

namespace lgen {

class ControlServer {
 public:
  /// `obeyed` is told of each order that was carried out: "ctl_scale", {scenario, vus}.
  using Obeyed = std::function<void(std::string name, Fields fields)>;
  ControlServer(Loop& loop, Runner& runner, const RunInfo& run, Obeyed obeyed);

  /// `path` of the socket.
  Outcome listen(const std::string& path);

 private:
  using Order = Result<std::string> (ControlServer::*)(const HttpQuestion& question);
  void take_orders(std::string_view path, Order order);
  Result<std::string> pause(const HttpQuestion& question);
  Result<std::string> resume(const HttpQuestion& question);
  Result<std::string> scale(const HttpQuestion& question);
  Result<std::string> stop(const HttpQuestion& question);
  std::string status() const;

  Loop& loop_;
  Runner& runner_;
  const RunInfo& run_;
  Obeyed obeyed_;
  HttpServer server_;
};

}  // namespace lgen
