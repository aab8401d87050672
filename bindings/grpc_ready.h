// Waits until every one of some channels is READY, or says which one is not, and why.
// Thread: the loop's.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "grpc_channel.h"
#include "lgen/error.h"
#include "lgen/op.h"
#include "lgen/time.h"

namespace lgen::lua {

class ReadyGroup final : public Operation {
 public:
  /// Starts connecting. `done` gets the first failure, without waiting for the other channels.
  static Op start(Loop& loop, std::vector<std::shared_ptr<Link>> links, Deadline deadline,
                  std::function<void(Outcome)> done);

  void cancel() noexcept override;
  void drop() noexcept override;

 private:
  ReadyGroup(std::vector<std::shared_ptr<Link>> links, std::function<void(Outcome)> done);
  void link_done(std::size_t index, const Outcome& outcome);
  void finish(Outcome outcome);
  Error explain(const Link& link, const Error& error) const;

  std::vector<std::shared_ptr<Link>> links_;
  std::vector<Op> ops_;
  std::size_t missing_;
  std::function<void(Outcome)> done_;
  bool finishing_ = false, dropped_ = false, posted_ = false;
};

/// ch:wait_ready(timeout).
int wait_ready(lua_State* L);

}  // namespace lgen::lua
