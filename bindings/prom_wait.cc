#include "prom_wait.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <set>

#include "host.h"
#include "lgen/prom_query.h"
#include "lgen/text.h"
#include "lgen/units.h"
#include "mod_json.h"
#include "mod_prom.h"
#include "task.h"
#include "vu_lua.h"

namespace lgen::lua {
namespace {

int push_nil_error(lua_State* L, const Error& error) {
  lua_pushnil(L);
  switch (error.code) {
    case ErrorCode::timeout:
      push_error(L, "DEADLINE_EXCEEDED", 4, error.message, "timeout");
      break;
    case ErrorCode::invalid_argument:
      push_error(L, "INVALID_ARGUMENT", 3, error.message, "status");
      break;
    case ErrorCode::not_found:
      push_error(L, "NOT_FOUND", 5, error.message, "status");
      break;
    case ErrorCode::protocol:
      push_error(L, "INTERNAL", 13, error.message, "status");
      break;
    case ErrorCode::closed:
      push_error(L, "UNAVAILABLE", 14, error.message, "closed");
      break;
    default:
      push_error(L, "UNAVAILABLE", 14, error.message, "connect");
  }
  return 2;
}

int push_sample(lua_State* L, const SamplePtr& sample) {
  push_object<SampleHandle>(L, SampleHandle{sample});
  return 1;
}

bool without_network(const Host& host) { return host.input.purpose == PlanPurpose::check; }

/// A task that waits until one of its own callbacks calls end().
class PromWait : public Waiter, private LuaVu::StopListener {
 public:
  explicit PromWait(Task& task) : host_(task.host()), task_(task) {}
  virtual ~PromWait() {
    if (listening_) task_.vu()->unlisten(*this);
  }

 protected:
  /// `push` gives the results. The wait is gone afterwards.
  template <class Push>
  void end(Push&& push) {
    stop_listening();
    task_.wake(push);
    delete this;
  }
  /// Ends without a result when the VU is told to stop.
  void end_with_vu() {
    LuaVu* vu = task_.vu();
    listening_ = vu != nullptr;
    if (vu) vu->listen(*this);
  }

  Host& host_;
  Op op_;

 private:
  void interrupt() noexcept override { end_later(); }
  void vu_stopping() noexcept override { end_later(); }
  void end_later() noexcept {
    if (std::exchange(ending_, true)) return;
    stop_listening();
    op_.reset();
    forget_timer();
    host_.loop.post([this] { end([](lua_State*) { return 0; }); });
  }
  void stop_listening() noexcept {
    if (!std::exchange(listening_, false)) return;
    if (LuaVu* vu = task_.vu()) vu->unlisten(*this);
  }
  virtual void forget_timer() noexcept {}

  Task& task_;
  bool listening_ = false, ending_ = false;
};

class ScrapeOnce final : public PromWait {
 public:
  ScrapeOnce(Task& task, ScrapeTarget& target) : PromWait(task) {
    op_ = target.fresh([this](SamplePtr sample) {
      end([sample = std::move(sample)](lua_State* co) {
        const auto error = sample->error();
        return error ? push_nil_error(co, *error) : push_sample(co, sample);
      });
    });
  }
};

class NextSample final : public PromWait {
 public:
  NextSample(Task& task, ScrapeTarget& target) : PromWait(task), pretence_(task.host().loop, [this] { pretend(); }) {
    end_with_vu();
    if (without_network(host_)) {
      pretence_.arm(host_.loop.precise_now() + target.options().interval);
    } else {
      op_ = target.next([this](SamplePtr sample) {
        end([sample = std::move(sample)](lua_State* co) { return push_sample(co, sample); });
      });
    }
  }

 private:
  void pretend() {
    end([](lua_State* co) { return push_sample(co, nullptr); });
  }
  void forget_timer() noexcept override { pretence_.disarm(); }
  Timer pretence_;
};

/// Names on the pages that may be meant by `metric`, the nearest first: it nearly, or with something before or behind.
std::vector<std::string_view> near_names(std::string_view metric, const ScrapeSample& sample) {
  constexpr std::size_t kMost = 3;
  std::set<std::pair<std::size_t, std::string_view>> names;
  for (const PodPage& pod : sample.pods) {
    if (!pod.page) continue;
    for (const PageSample& one : pod.page->samples()) {
      const std::array<std::string_view, 1> candidate = {one.name};
      const bool contained = metric.size() > 3 && one.name.find(metric) != std::string_view::npos;
      const bool contains = one.name.size() > 3 && metric.find(one.name) != std::string_view::npos;
      if (!contained && !contains && did_you_mean(metric, candidate).empty()) continue;
      names.emplace(edit_distance(metric, one.name), one.name);
    }
  }
  std::vector<std::string_view> nearest;
  for (auto it = names.begin(); it != names.end() && nearest.size() < kMost; ++it) nearest.push_back(it->second);
  return nearest;
}

class ConditionWait final : public PromWait {
 public:
  ConditionWait(Task& task, ScrapeTarget& target, WaitFor wanted)
      : PromWait(task), target_(target), wanted_(std::move(wanted)), limit_(host_.loop, [this] { too_late(); }) {
    limit_.arm(later(host_.loop.precise_now(), wanted_.timeout));
    if (const SamplePtr known = target_.latest()) remember(*known);
    op_ = target_.fresh([this](const SamplePtr& sample) { look(*sample); });
  }

 private:
  ConditionState remember(const ScrapeSample& sample) {
    const ConditionState state = judge(wanted_.condition, sample);
    last_ = state.value;
    trouble_ = sample.error();
    seen_ = seen_ || !find_series(sample, wanted_.condition.metric, {}).empty();
    return state;
  }

  void look(const ScrapeSample& sample) {
    const ConditionState state = remember(sample);
    if (!state.holds) {
      since_.reset();
    } else if (!since_) {
      since_ = sample.at;
    }
    if (since_ && sample.at - *since_ >= wanted_.hold) {
      return end([value = *state.value](lua_State* co) {
        lua_pushnumber(co, value);
        return 1;
      });
    }
    op_ = target_.next([this](const SamplePtr& next) { look(*next); });
  }

  std::string seen_last() const {
    if (last_) return fmt::format("it was {:.14g} at last", *last_);
    if (trouble_) return trouble_->message;
    if (!seen_) return absent();
    const std::string& metric = wanted_.condition.metric;
    return wanted_.condition.labels.empty() ? metric + " has gone"
                                            : "there is " + metric + ", but not with these labels";
  }

  /// Most likely it is called otherwise.
  std::string absent() const {
    const SamplePtr sample = target_.latest();
    const auto names = sample ? near_names(wanted_.condition.metric, *sample) : std::vector<std::string_view>{};
    return fmt::format("no page ever had {}{}", wanted_.condition.metric,
                       names.empty() ? "" : fmt::format(" (there is {})", fmt::join(names, ", ")));
  }

  void too_late() {
    const std::string held = wanted_.hold > Duration{0} ? " for " + format_duration(wanted_.hold) : "";
    Error error = make_error(
        ErrorCode::timeout, fmt::format("scrape target '{}': {} did not hold{} within {}: {}", target_.name(),
                                        wanted_.condition.text(), held, format_duration(wanted_.timeout), seen_last()));
    end([error = std::move(error)](lua_State* co) { return push_nil_error(co, error); });
  }
  void forget_timer() noexcept override { limit_.disarm(); }

  ScrapeTarget& target_;
  const WaitFor wanted_;
  Timer limit_;
  std::optional<TimePoint> since_;
  std::optional<double> last_;
  bool seen_ = false;  // the metric, with whatever labels
  std::optional<Error> trouble_;
};

void push_labels(lua_State* L, const Labels& labels) {
  lua_createtable(L, 0, static_cast<int>(labels.size()));
  for (const auto& [name, value] : labels) {
    push(L, name);
    push(L, value);
    lua_rawset(L, -3);
  }
}

void set_number(lua_State* L, const char* key, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, key);
}

/// {labels, value, at} of an instant vector, {labels, values = {{at, value}, …}} of a range.
void push_prom_series(lua_State* L, const PromSeries& series, bool range) {
  lua_createtable(L, 0, 3);
  push_labels(L, series.labels);
  lua_setfield(L, -2, "labels");
  if (!range) {
    set_number(L, "at", series.points[0].first);
    return set_number(L, "value", series.points[0].second);
  }
  lua_createtable(L, static_cast<int>(series.points.size()), 0);
  for (std::size_t i = 0; i < series.points.size(); ++i) {
    lua_createtable(L, 2, 0);
    lua_pushnumber(L, series.points[i].first);
    lua_rawseti(L, -2, 1);
    lua_pushnumber(L, series.points[i].second);
    lua_rawseti(L, -2, 2);
    lua_rawseti(L, -2, static_cast<int>(i) + 1);
  }
  lua_setfield(L, -2, "values");
}

int push_answer(lua_State* L, const PromAnswer& answer) {
  luaL_checkstack(L, 10, "lgen.prom.query");
  if (answer.kind == PromAnswer::Kind::scalar) {
    lua_pushnumber(L, answer.scalar);
  } else if (answer.kind == PromAnswer::Kind::string) {
    push(L, answer.text);
  } else {
    lua_createtable(L, static_cast<int>(answer.series.size()), 0);
    for (std::size_t i = 0; i < answer.series.size(); ++i) {
      push_prom_series(L, answer.series[i], answer.kind == PromAnswer::Kind::matrix);
      lua_rawseti(L, -2, static_cast<int>(i) + 1);
    }
  }
  return 1;
}

class QueryWait final : public PromWait {
 public:
  QueryWait(Task& task, const std::string& base, const std::string& promql) : PromWait(task) {
    op_ = prom_query(host_.prom->query_client(), base, promql, [this](Result<PromAnswer> answer) {
      end([answer = std::move(answer)](lua_State* co) {
        return answer ? push_answer(co, *answer) : push_nil_error(co, answer.error());
      });
    });
  }
};

/// Pushes a list of the lines of JSON, each with `at`, seconds since the run's start; false where a line is no event.
bool push_events(lua_State* L, std::string_view lines, double run_started) {
  luaL_checkstack(L, 10, "lgen.cluster.events");
  lua_newtable(L);
  for (int count = 1; !lines.empty(); ++count) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    if (decode_json(L, line) != 1 || !lua_istable(L, -1)) return false;
    lua_getfield(L, -1, "unix_seconds");
    if (lua_type(L, -1) != LUA_TNUMBER) return false;
    const double at = lua_tonumber(L, -1);
    lua_pop(L, 1);
    set_number(L, "at", at - run_started);
    lua_rawseti(L, -2, count);
  }
  return true;
}

class EventsWait final : public PromWait {
 public:
  EventsWait(Task& task, const std::string& url) : PromWait(task), url_(url) {
    op_ =
        host_.prom->query_client().send(HttpRequest{.url = url}, [this](const HttpResult& result) { answer(result); });
  }

 private:
  void answer(const HttpResult& result) {
    if (result.error) return fail(*result.error);
    if (!result.ok()) {
      return fail(make_error(ErrorCode::not_found, fmt::format("{} answers {}: {}", url_, result.status,
                                                               printable(first_line(result.body)))));
    }
    const auto unix_time = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch());
    end([body = std::string(result.body), started = unix_time.count() - host_.now_seconds(),
         url = url_](lua_State* co) {
      if (push_events(co, body, started)) return 1;
      lua_settop(co, 0);
      return push_nil_error(co, make_error(ErrorCode::protocol, url + ": these are no events of lgen-cluster's"));
    });
  }
  void fail(const Error& error) {
    end([error](lua_State* co) { return push_nil_error(co, error); });
  }

  static std::string_view first_line(std::string_view text) {
    constexpr std::size_t kShown = 200;
    return text.substr(0, std::min(kShown, text.find('\n')));
  }

  const std::string url_;
};

}  // namespace

int await_scrape(lua_State* L, ScrapeTarget& target) {
  Task& task = Task::check_can_wait(L, "t:scrape");
  if (without_network(task.host())) return push_sample(L, nullptr);
  return task.await(L, *new ScrapeOnce(task, target));
}

int await_next_sample(lua_State* L, ScrapeTarget& target) {
  Task& task = Task::check_can_wait(L, "t:samples");
  if (task.vu() && task.vu()->stopping()) return 0;
  return task.await(L, *new NextSample(task, target));
}

int await_condition(lua_State* L, ScrapeTarget& target, WaitFor wanted) {
  Task& task = Task::check_can_wait(L, "t:wait_for");
  if (without_network(task.host())) {
    lua_pushnumber(L, wanted.condition.bound);
    return 1;
  }
  PromWait& wait = *new ConditionWait(task, target, std::move(wanted));
  return task.await(L, wait);
}

int await_query(lua_State* L, const std::string& base, const std::string& promql) {
  Task& task = Task::check_can_wait(L, "lgen.prom.query");
  if (without_network(task.host())) return push_answer(L, PromAnswer{});
  return task.await(L, *new QueryWait(task, base, promql));
}

int await_events(lua_State* L, const std::string& url) {
  Task& task = Task::check_can_wait(L, "lgen.cluster.events");
  if (without_network(task.host())) {
    lua_newtable(L);
    return 1;
  }
  return task.await(L, *new EventsWait(task, url));
}

}  // namespace lgen::lua
