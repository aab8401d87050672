#include "first_calls.h"

#include <fmt/format.h>

#include <algorithm>

#include "lgen/units.h"

namespace lgen {

namespace {

// A plan that connects anew for every call must not grow for ever; beyond this many nothing counts as the first.
constexpr std::size_t kPlaces = 10'000;
constexpr std::size_t kKept = 50;

template <class Map, class Key>
bool earliest_in(Map& places, const Key& key, TimePoint started, TimePoint& earliest) {
  auto found = places.find(key);
  if (found == places.end()) {
    earliest = TimePoint::min();
    if (places.size() >= kPlaces) return false;
    found = places.emplace(key, kNever).first;
  }
  const bool first = started < found->second;
  if (first) found->second = started;
  earliest = found->second;
  return first;
}

bool same_place(const FirstCall& a, const FirstCall& b) {
  if (a.first != b.first) return false;
  return a.first == FirstOn::backend ? a.backend == b.backend : a.connection == b.connection;
}

std::string why_slow(const FirstCall& call, const FirstCallFacts& facts) {
  std::string why = call.first == FirstOn::backend ? "first on the backend" : "first on the connection";
  if (call.connecting <= Duration{0}) return why;
  return fmt::format("{} {}{}, {}", facts.tls ? "dial and TLS" : "dial", format_duration(call.connecting),
                     facts.steps.empty() ? "" : fmt::format(" ({})", facts.steps), why);
}

}  // namespace

std::string_view to_string(FirstOn first) {
  switch (first) {
    case FirstOn::nothing:
      return "";
    case FirstOn::backend:
      return "first_on_backend";
    case FirstOn::connection:
      return "first_on_connection";
  }
  return "";
}

bool FirstCalls::first_on(std::string_view backend, TimePoint started, TimePoint& earliest) {
  return earliest_in(backends_, std::string(backend), started, earliest);
}

bool FirstCalls::first_on(std::uint64_t connection, TimePoint started, TimePoint& earliest) {
  return earliest_in(connections_, connection, started, earliest);
}

void FirstCalls::keep(FirstCall call) {
  std::erase_if(kept_, [&](const FirstCall& known) { return same_place(known, call); });
  const auto slower = [](const FirstCall& a, const FirstCall& b) { return a.took > b.took; };
  kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), call, slower), std::move(call));
  if (kept_.size() > kKept) kept_.pop_back();
}

FirstCall describe_first(FirstOn first, const CallSiteKey& key, const Timing& timing, std::string_view backend,
                         std::string_view code, FirstCallFacts facts) {
  FirstCall call{.first = first,
                 .started = timing.started,
                 .took = timing.done - timing.started,
                 .scenario = key.scenario,
                 .name = key.name,
                 .method = key.method,
                 .backend = std::string(backend),
                 .code = std::string(code)};
  if (facts.connected > timing.started) call.connecting = std::min(facts.connected, timing.done) - timing.started;
  call.why = why_slow(call, facts);
  call.connection = std::move(facts.connection);
  return call;
}

}  // namespace lgen
