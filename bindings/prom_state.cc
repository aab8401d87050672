#include <fmt/format.h>

#include "host.h"
#include "lgen/log.h"
#include "mod_prom.h"

namespace lgen::lua {
namespace {

/// A round of each of some targets.
class Rounds final : public Operation {
 public:
  Rounds(Loop& loop, std::function<void()> done) : loop_(loop), done_(std::move(done)) {}

  void begin(const std::vector<std::unique_ptr<ScrapeTarget>>& targets, bool fresh) {
    const auto ended = [this](const SamplePtr&) { one_less(); };
    pending_ = 1;
    for (const auto& target : targets) {
      if (!fresh && target->latest()) continue;
      ++pending_;
      rounds_.push_back(fresh ? target->fresh(ended) : target->next(ended));
    }
    loop_.post([this] {
      posted_ = false;
      dropped_ ? delete this : one_less();
    });
  }
  void cancel() noexcept override {
    for (Op& round : rounds_) round.cancel();
  }
  void drop() noexcept override {
    rounds_.clear();
    done_ = {};
    dropped_ = true;
    if (!posted_ && !telling_) delete this;
  }

 private:
  ~Rounds() = default;
  void one_less() {
    if (--pending_ > 0) return;
    telling_ = true;
    if (const auto done = std::move(done_)) done();
    telling_ = false;
    if (dropped_) delete this;
  }

  Loop& loop_;
  std::function<void()> done_;
  std::vector<Op> rounds_;
  std::size_t pending_ = 0;
  bool posted_ = true, telling_ = false, dropped_ = false;
};

}  // namespace

void PromState::start() {
  if (host.input.purpose != PlanPurpose::run) return;
  for (const auto& target : targets) target->start();
}

Op PromState::first_pages(std::function<void()> done) {
  return every_target(false, [this, done = std::move(done)] {
    tell_silent_targets();
    done();
  });
}

Op PromState::last_pages(std::function<void()> done) { return every_target(true, std::move(done)); }

Op PromState::every_target(bool fresh, std::function<void()> done) {
  static const std::vector<std::unique_ptr<ScrapeTarget>> kNone;
  auto* rounds = new Rounds(host.loop, std::move(done));
  rounds->begin(host.input.purpose == PlanPurpose::run ? targets : kNone, fresh);
  return Op(rounds);
}

void PromState::tell_silent_targets() const {
  for (const auto& target : targets) {
    const SamplePtr sample = target->latest();
    if (const auto error = sample ? sample->error() : std::nullopt) {
      log(LogLevel::warn, fmt::format("scrape target '{}' has no page yet: {}", target->name(), error->message));
    }
  }
}

void PromState::close() {
  for (const auto& target : targets) target->stop();
  client_ = nullptr;
}

ScrapeTarget* PromState::find(std::string_view name) const {
  for (const auto& target : targets) {
    if (target->name() == name) return target.get();
  }
  return nullptr;
}

HttpClient& PromState::query_client() {
  if (!client_) client_ = std::make_unique<HttpClient>(host.loop);
  return *client_;
}

}  // namespace lgen::lua
