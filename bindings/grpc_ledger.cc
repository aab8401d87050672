#include "grpc_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "host.h"
#include "lgen/log.h"
#include "lgen/natural_order.h"

namespace lgen::lua {
namespace {

constexpr std::size_t kMaxRecords = 10'000;  // a plan that dials per request must not grow for ever
constexpr std::size_t kMaxEvents = 1'000;

std::string_view goaway_word(Goaway goaway) {
  switch (goaway) {
    case Goaway::no:
      return "";
    case Goaway::inferred:
      return "inferred";
    case Goaway::seen:
      return "seen";
  }
  return "";
}

std::string name_of(const ChannelAccount& account, const Ledger::Entry& entry) {
  return fmt::format("{}#{}", account.summary.name, entry.number);
}

/// Every handle of a shared connection is a channel to the plan.
void add_channels(std::vector<ChannelSummary>& channels, const ChannelAccount& account) {
  if (account.handles.empty()) return channels.push_back(account.summary);
  for (const std::string& handle : account.handles) channels.emplace_back(account.summary).name = handle;
}

}  // namespace

ChannelAccount& Ledger::account(const std::string& name, const std::string& pool, const std::string& target,
                                bool shared) {
  const auto [it, fresh] = accounts_.try_emplace(name);
  ChannelAccount& account = it->second;
  if (!fresh) {
    ++account.summary.made;
    return account;
  }
  account.summary.name = name;
  account.summary.pool = pool;
  account.summary.target = target;
  account.summary.connection = shared ? "shared" : "own";
  const Labels labels = make_labels({{"channel", name}, {"pool", pool}});
  account.connections = host_.metrics.series("grpc_connections", labels);
  account.state = host_.metrics.series("grpc_channel_state", labels);
  return account;
}

Ledger::Entry Ledger::opened(ChannelAccount& account, TimePoint at, bool again) {
  ++account.summary.connections;
  account.summary.reconnects += again ? 1 : 0;
  host_.metrics.add(account.connections);
  Entry entry{.number = ++account.last_number};
  if (again) note(at, "reconnected", {{"connection", name_of(account, entry)}});
  if (records_.size() == kMaxRecords) {
    ++records_dropped_;
    return entry;
  }
  entry.record = records_.size();
  ConnectionRecord& record = records_.emplace_back();
  record.channel = account.summary.name;
  record.connection = entry.number;
  record.opened_at = seconds(at);
  return entry;
}

void Ledger::made(Entry& entry, const ConnectSteps& timing) {
  entry.steps = to_string(timing);
  if (entry.record != kNotKept) records_[entry.record].timing = timing;
}

void Ledger::lost(ChannelAccount& account, const Entry& entry, const ChannelEvent& event) {
  if (entry.record != kNotKept) {
    ConnectionRecord& record = records_[entry.record];
    if (record.closed_at) return;
    record.closed_at = seconds(event.at);
    record.goaway = goaway_word(event.goaway);
    record.reason = event.reason == kLeftByUs ? kLeftByPlan : event.reason;
  }
  if (event.reason == kLeftByUs) return;
  note(event.at, "connection_lost", {{"connection", name_of(account, entry)}, {"reason", event.reason}});
}

void Ledger::failed_attempt(ChannelAccount& account, const ChannelEvent& event) {
  ++account.summary.failed_attempts;
  account.summary.last_error = event.reason;
}

void Ledger::set_state(ChannelAccount& account, ChannelState state) {
  host_.metrics.set(account.state, static_cast<double>(state));
}

void Ledger::set_peer(const Entry& entry, std::string_view peer) {
  if (entry.record != kNotKept && records_[entry.record].peer.empty()) records_[entry.record].peer = peer;
}

void Ledger::crowded(ChannelAccount& account, std::uint64_t limit) {
  if (std::exchange(account.crowding_told, true)) return;
  notes_.push_back(
      fmt::format("channel \"{}\" had more than max_streams = {} calls and streams open on one connection; "
                  "beyond the server's own limit they wait, unseen inside gRPC core; transport h2 counts it in "
                  "grpc_queue_seconds",
                  account.summary.name, limit));
  log(LogLevel::warn, notes_.back());
}

void Ledger::fill(Summary& summary) const {
  for (const auto& [name, account] : accounts_) add_channels(summary.channels, account);
  std::stable_sort(summary.channels.begin(), summary.channels.end(),
                   [](const auto& a, const auto& b) { return natural_less(a.name, b.name); });
  summary.connections.insert(summary.connections.end(), records_.begin(), records_.end());
  summary.events.insert(summary.events.end(), events_.begin(), events_.end());
  summary.events_dropped += events_dropped_;
  std::stable_sort(summary.events.begin(), summary.events.end(),
                   [](const EventRecord& a, const EventRecord& b) { return a.at < b.at; });
  summary.run.notes.insert(summary.run.notes.end(), notes_.begin(), notes_.end());
  if (records_dropped_ == 0) return;
  summary.run.notes.push_back(
      fmt::format("the first {} connections are listed one by one; {} further ones are only counted", kMaxRecords,
                  records_dropped_));
}

void Ledger::note(TimePoint at, std::string_view name, Fields fields) {
  if (events_.size() == kMaxEvents) {
    ++events_dropped_;
    return;
  }
  events_.push_back({seconds(at), std::string(name), std::move(fields)});
}

/// Connections made before the first iteration count as made at 0.
double Ledger::seconds(TimePoint at) const {
  if (host_.run_started == TimePoint{} || at < host_.run_started) return 0;
  return to_seconds(at - host_.run_started);
}

}  // namespace lgen::lua
