#include "grpc_ready.h"

#include <fmt/format.h>

#include <algorithm>

#include "grpc_call.h"
#include "host.h"

namespace lgen::lua {

Op ReadyGroup::start(Loop& loop, std::vector<std::shared_ptr<Link>> links, Deadline deadline,
                     std::function<void(Outcome)> done) {
  auto* group = new ReadyGroup(std::move(links), std::move(done));
  for (std::size_t i = 0; i < group->links_.size(); ++i) {
    group->ops_.push_back(group->links_[i]->wire()->wait_ready(
        deadline, [group, i](const Outcome& outcome) { group->link_done(i, outcome); }));
  }
  if (!group->links_.empty()) return Op(group);
  group->posted_ = true;
  loop.post([group] {
    group->posted_ = false;
    group->finish(Done{});
  });
  return Op(group);
}

ReadyGroup::ReadyGroup(std::vector<std::shared_ptr<Link>> links, std::function<void(Outcome)> done)
    : links_(std::move(links)), missing_(links_.size()), done_(std::move(done)) {}

void ReadyGroup::cancel() noexcept {
  for (Op& op : ops_) op.cancel();
}

void ReadyGroup::drop() noexcept {
  dropped_ = true;
  done_ = nullptr;
  if (!finishing_ && !posted_) delete this;
}

void ReadyGroup::link_done(std::size_t index, const Outcome& outcome) {
  if (!outcome) return finish(explain(*links_[index], outcome.error()));
  if (--missing_ == 0) finish(Done{});
}

void ReadyGroup::finish(Outcome outcome) {
  finishing_ = true;
  ops_.clear();
  if (auto done = std::exchange(done_, nullptr)) done(std::move(outcome));
  finishing_ = false;
  if (dropped_) delete this;
}

Error ReadyGroup::explain(const Link& link, const Error& error) const {
  const auto unready = [](const auto& other) { return other->wire()->state() != ChannelState::ready; };
  const auto count = std::count_if(links_.begin(), links_.end(), unready);
  const std::string others = count > 1 ? fmt::format(" ({} of {} channels are not ready)", count, links_.size()) : "";
  return make_error(error.code, fmt::format("channel \"{}\": {}{}", link.name(), error.message, others));
}

namespace {

/// A task in ch:wait_ready. Lives until it has woken it.
class ReadyWait final : public Waiter {
 public:
  ReadyWait(Task& task, std::vector<std::shared_ptr<Link>> links, Deadline deadline)
      : task_(task),
        op_(ReadyGroup::start(task.host().loop, std::move(links), deadline,
                              [this](const Outcome& outcome) { ended(outcome); })) {}
  void interrupt() noexcept override { op_.cancel(); }

 private:
  void ended(const Outcome& outcome) {
    Task& task = task_;
    int results = 0;
    if (!task.cancel_requested()) results = push_results(task.co(), outcome);
    delete this;
    task.wake([results](lua_State*) { return results; });
  }

  static int push_results(lua_State* L, const Outcome& outcome) {
    if (outcome) {
      lua_pushboolean(L, 1);
      return 1;
    }
    const Error& error = outcome.error();
    const bool closed = error.code == ErrorCode::closed, late = error.code == ErrorCode::timeout;
    const GrpcCode code = late ? GrpcCode::deadline_exceeded : GrpcCode::unavailable;
    lua_pushnil(L);
    push_status(L, code, error.message, "", closed ? "closed" : late ? "timeout" : "connect");
    return 2;
  }

  Task& task_;
  Op op_;
};

}  // namespace

int wait_ready(lua_State* L) {
  auto links = links_of(L, "ch:wait_ready");
  Deadline deadline = kNever;
  Host& host = host_of(L);
  if (!lua_isnoneornil(L, 2)) deadline = later(host.loop.precise_now(), check_duration(L, 2, "ch:wait_ready"));
  Task& task = Task::check_can_wait(L, "ch:wait_ready");
  return task.await(L, *new ReadyWait(task, std::move(links), deadline));
}

}  // namespace lgen::lua
