#include <fmt/format.h>

#include "host.h"
#include "lgen/log.h"
#include "lgen/units.h"
#include "mod_prom.h"
#include "prom_report.h"

namespace lgen::lua {
namespace {

constexpr Duration kPatience = std::chrono::seconds(2);  // with a page the load, or its end, waits for
constexpr Duration kSilence = std::chrono::seconds(1);   // before the user is told what is waited for

/// A round of each of some targets, given up when it takes too long.
class Rounds final : public Operation {
 public:
  using Late = std::vector<const ScrapeTarget*>;

  Rounds(Loop& loop, std::string_view which, std::function<void(const Late&)> done)
      : loop_(loop),
        which_(which),
        done_(std::move(done)),
        word_(loop, [this] { say_what_for(); }),
        limit_(loop, [this] { give_up(); }) {}

  void begin(const std::vector<std::unique_ptr<ScrapeTarget>>& targets, bool fresh) {
    pending_ = 1;
    rounds_.reserve(targets.size());
    for (const auto& target : targets) {
      if (!fresh && target->latest()) continue;
      ++pending_;
      Round& round = rounds_.emplace_back(target.get());
      const auto ended = [this, &round](const SamplePtr&) { over(round); };
      round.op = fresh ? target->fresh(ended) : target->next(ended);
    }
    const TimePoint now = loop_.precise_now();
    word_.arm(now + kSilence);
    limit_.arm(now + kPatience);
    loop_.post([this] {
      posted_ = false;
      dropped_ ? delete this : one_less();
    });
  }
  void cancel() noexcept override {
    for (Round& round : rounds_) round.op.cancel();
  }
  void drop() noexcept override {
    rounds_.clear();
    done_ = {};
    word_.disarm();
    limit_.disarm();
    dropped_ = true;
    if (!posted_ && !telling_) delete this;
  }

 private:
  struct Round {
    explicit Round(const ScrapeTarget* target_in) : target(target_in) {}
    const ScrapeTarget* target;
    Op op;
    bool is_over = false;
  };

  ~Rounds() = default;
  void over(Round& round) {
    round.is_over = true;
    one_less();
  }
  void one_less() {
    if (pending_ > 0 && --pending_ == 0) tell();
  }
  Late late() const {
    Late targets;
    for (const Round& round : rounds_) {
      if (!round.is_over) targets.push_back(round.target);
    }
    return targets;
  }
  void say_what_for() const {
    for (const ScrapeTarget* target : late()) {
      log(LogLevel::warn, fmt::format("waiting for the {} page of scrape target '{}', {} at most", which_,
                                      target->name(), format_duration(kPatience)));
    }
  }
  void give_up() {
    pending_ = 0;
    tell();
  }
  void tell() {
    word_.disarm();
    limit_.disarm();
    telling_ = true;
    const Late targets = late();
    rounds_.clear();
    if (const auto done = std::move(done_)) done(targets);
    telling_ = false;
    if (dropped_) delete this;
  }

  Loop& loop_;
  const std::string_view which_;
  std::function<void(const Late&)> done_;
  Timer word_, limit_;
  std::vector<Round> rounds_;  // never grows beyond what was reserved: its elements are referred to
  std::size_t pending_ = 0;
  bool posted_ = true, telling_ = false, dropped_ = false;
};

}  // namespace

void PromState::start() {
  if (host.input.purpose != PlanPurpose::run) return;
  for (const auto& target : targets) target->start();
}

Op PromState::first_pages(std::function<void()> done) {
  return every_target(false, [this, done = std::move(done)](const Late& late) {
    tell_silent_pods(late);
    done();
  });
}

Op PromState::last_pages(std::function<void()> done) {
  return every_target(true, [this, done = std::move(done)](const Late& late) {
    without_last_ = late;
    done();
  });
}

Op PromState::every_target(bool fresh, std::function<void(const Late&)> done) {
  static const std::vector<std::unique_ptr<ScrapeTarget>> kNone;
  auto* rounds = new Rounds(host.loop, fresh ? "last" : "first", std::move(done));
  rounds->begin(host.input.purpose == PlanPurpose::run ? targets : kNone, fresh);
  return Op(rounds);
}

void PromState::tell_silent_pods(const Late& late) const {
  for (const ScrapeTarget* target : late) {
    log(LogLevel::warn, fmt::format("scrape target '{}' has no page yet: none came within {}; the load begins without, "
                                    "and what counters rise before their first page is missing",
                                    target->name(), format_duration(kPatience)));
  }
  for (const auto& target : targets) {
    if (const std::string told = silent_pods(*target); !told.empty()) log(LogLevel::warn, told);
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
