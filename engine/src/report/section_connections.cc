// How many sockets the channels really took, which were left and why, and which could not be made.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "figures.h"
#include "names.h"
#include "sections.h"

namespace lgen {
namespace {

constexpr std::size_t kMaxNames = 3;  // of channels that fail alike
constexpr std::size_t kMaxLines = 10;

struct SocketCount {
  std::uint64_t sockets = 0, reconnects = 0;
  std::uint64_t made = 0;   // channels
  std::uint64_t never = 0;  // channels of their own that never connected
  std::size_t sharing = 0;  // handles that share a connection with others
  std::size_t hosts = 0;    // of HTTP clients, which make connections as their requests need them
  std::uint64_t kept = 0;   // connections to these
};

/// Handles of a shared connection all tell of the same sockets: they count once.
SocketCount count_sockets(const std::vector<ChannelSummary>& channels) {
  SocketCount count;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> shared;  // sockets, reconnects
  for (const ChannelSummary& channel : channels) {
    if (channel.connection == "kept") {
      ++count.hosts;
      count.kept += channel.connections;
      continue;
    }
    count.made += channel.made;
    if (channel.connection == "shared") {
      auto& pool = shared[channel.pool.empty() ? channel.name : channel.pool];
      pool = std::max(pool, std::pair(channel.connections, channel.reconnects));
      ++count.sharing;
      continue;
    }
    count.sockets += channel.connections;
    count.reconnects += channel.reconnects;
    count.never += channel.made - std::min(channel.made, channel.connections - channel.reconnects);
  }
  for (const auto& [name, pool] : shared) {
    count.sockets += pool.first;
    count.reconnects += pool.second;
  }
  return count;
}

std::string reconnect_words(std::uint64_t n) {
  if (n == 0) return "no reconnect";
  return n == 1 ? "one reconnect" : fmt::format("{} reconnects", grouped(n));
}

std::string connection_name(const ConnectionRecord& record) {
  return fmt::format("{}#{}", record.channel, record.connection);
}

/// A connection that ended with a cause, not just with the run.
bool was_left(const ConnectionRecord& record) {
  return record.closed_at && (!record.goaway.empty() || !record.reason.empty());
}

std::string cause_words(const ConnectionRecord& record) {
  if (record.goaway == "inferred") return "GOAWAY (inferred)";
  if (!record.goaway.empty()) return "GOAWAY";
  return record.reason.empty() ? "closed" : record.reason;
}

using Records = std::vector<const ConnectionRecord*>;

Records left_before_the_end(const std::vector<ConnectionRecord>& connections) {
  Records left;
  for (const ConnectionRecord& record : connections) {
    if (was_left(record)) left.push_back(&record);
  }
  std::stable_sort(left.begin(), left.end(), [](auto* a, auto* b) { return *a->closed_at < *b->closed_at; });
  return left;
}

std::string summary_words(const Records& left) {
  std::map<std::string, std::uint64_t> causes;
  for (const ConnectionRecord* record : left) ++causes[cause_words(*record)];
  std::vector<std::string> parts;
  for (const auto& [cause, n] : causes) parts.push_back(fmt::format("{} {}", grouped(n), cause));
  return fmt::format("{} ended before the run did: {}", counted(left.size(), "connection"), join_words(parts));
}

/// "main[2]#1: closed; main[2]#2 after 1.15s".
std::string line_of(const ConnectionRecord& record, const std::vector<ConnectionRecord>& connections) {
  std::string text = fmt::format("{}: {}", connection_name(record), cause_words(record));
  const auto next = std::find_if(connections.begin(), connections.end(), [&](const ConnectionRecord& other) {
    return other.channel == record.channel && other.connection == record.connection + 1 &&
           other.opened_at >= *record.closed_at;
  });
  if (next == connections.end()) return text;
  return text +
         fmt::format("; {} after {}", connection_name(*next), brief_seconds(next->opened_at - *record.closed_at));
}

void print_left(Page& page, const std::vector<ConnectionRecord>& connections) {
  Records left = left_before_the_end(connections);
  if (left.empty()) return;
  page.item({Span("  ")}, summary_words(left));
  std::erase_if(left, [](const ConnectionRecord* record) { return record->reason == kLeftByPlan; });
  for (std::size_t i = 0; i < std::min(left.size(), kMaxLines); ++i) {
    page.item({Span("  " + pad_left(moment(*left[i]->closed_at), 6) + " ", Tone::dim)}, line_of(*left[i], connections));
  }
  if (left.size() > kMaxLines) page.line({Span(fmt::format("    … {} more", left.size() - kMaxLines), Tone::dim)});
}

void print_hosts(Page& page, const std::vector<ChannelSummary>& channels) {
  std::size_t hosts = 0;
  for (const ChannelSummary& channel : channels) {
    if (channel.connection != "kept" || ++hosts > kMaxLines) continue;
    page.item({Span(fmt::format("  {}: ", channel.name))},
              fmt::format("{} to {}", counted(channel.connections, "connection"), channel.target));
  }
  if (hosts > kMaxLines) page.line({Span(fmt::format("    … {} more", hosts - kMaxLines), Tone::dim)});
}

/// Channels whose attempts failed for the same reason.
struct Failing {
  std::vector<std::string> names;
  std::uint64_t attempts = 0;
  std::string last_error;
};

/// In the order of the channels.
std::vector<Failing> failing_by_reason(const std::vector<ChannelSummary>& channels) {
  std::vector<Failing> all;
  for (const ChannelSummary& channel : channels) {
    if (channel.failed_attempts == 0) continue;
    auto at =
        std::find_if(all.begin(), all.end(), [&](const Failing& f) { return f.last_error == channel.last_error; });
    if (at == all.end()) at = all.insert(at, {{}, 0, channel.last_error});
    at->names.push_back(channel.connection == "kept" ? channel.name + " to " + channel.target : channel.name);
    at->attempts += channel.failed_attempts;
  }
  return all;
}

/// "main[1], main[2], main[3] and 57 others".
std::string first_names(const std::vector<std::string>& names) {
  const std::size_t shown = names.size() > kMaxNames + 1 ? kMaxNames : names.size();
  const std::string text = fmt::format("{}", fmt::join(names.begin(), names.begin() + std::ptrdiff_t(shown), ", "));
  return shown == names.size() ? text : fmt::format("{} and {} others", text, names.size() - shown);
}

void print_failed_attempts(Page& page, const std::vector<ChannelSummary>& channels) {
  const std::vector<Failing> all = failing_by_reason(channels);
  for (std::size_t i = 0; i < std::min(all.size(), kMaxLines); ++i) {
    const std::string last = all[i].last_error.empty() ? "" : ", the last: " + all[i].last_error;
    page.item({Span("  ")},
              fmt::format("{}: {}{}", first_names(all[i].names), counted(all[i].attempts, "failed attempt"), last),
              Tone::warn);
  }
  if (all.size() > kMaxLines) {
    page.line({Span(fmt::format("  … and {} more", counted(all.size() - kMaxLines, "reason")), Tone::dim)});
  }
}

}  // namespace

std::uint64_t sockets_of(const std::vector<ChannelSummary>& channels) {
  const SocketCount count = count_sockets(channels);
  return count.sockets + count.kept;
}

std::string making_words(const std::vector<ConnectionRecord>& connections) {
  std::vector<double> took;
  const ConnectionRecord* slowest = nullptr;
  for (const ConnectionRecord& record : connections) {
    if (!record.timing) continue;
    took.push_back(to_seconds(record.timing->total()));
    if (!slowest || record.timing->total() > slowest->timing->total()) slowest = &record;
  }
  if (!slowest) return "";
  const std::string longest = fmt::format("{} for {}: {}", brief_seconds(to_seconds(slowest->timing->total())),
                                          connection_name(*slowest), to_string(*slowest->timing));
  if (took.size() == 1) return "made in " + longest;
  const auto middle = took.begin() + static_cast<std::ptrdiff_t>((took.size() - 1) / 2);
  std::nth_element(took.begin(), middle, took.end());
  return fmt::format("made in {} at the median, at most in {}", brief_seconds(*middle), longest);
}

std::string socket_words(const std::vector<ChannelSummary>& channels) {
  if (channels.empty()) return "";
  const SocketCount count = count_sockets(channels);
  const std::string http = fmt::format("{} for {}", counted(count.kept, "socket"), counted(count.hosts, "HTTP host"));
  if (count.made == 0) return http;
  std::string text = fmt::format("{} for {}: ", counted(count.sockets, "socket"), counted(count.made, "channel"));
  if (count.sharing == count.made && count.sharing > 1) text += "shared, ";
  if (count.sharing > 0 && count.sharing < count.made) text += fmt::format("{} of them shared, ", count.sharing);
  text += reconnect_words(count.reconnects);
  if (count.never == 1) text += ", one never connected";
  if (count.never > 1) text += fmt::format(", {} never connected", grouped(count.never));
  return count.hosts == 0 ? text : text + "; " + http;
}

void print_connections(Page& page, const Summary& summary) {
  if (summary.channels.empty() && summary.connections.empty()) return;
  page.heading("CONNECTIONS");
  if (!summary.channels.empty()) page.item({Span("  ")}, socket_words(summary.channels), Tone::bold);
  print_hosts(page, summary.channels);
  if (const std::string words = making_words(summary.connections); !words.empty()) page.item({Span("  ")}, words);
  print_left(page, summary.connections);
  print_failed_attempts(page, summary.channels);
}

}  // namespace lgen
