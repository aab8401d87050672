// The ledger of connections: which there were, when each was made and lost and why, and what a channel needed in all.
// Channels of one name (made again and again inside tasks) share one account; their connections are numbered on.
// Thread: the loop's.
// Units: seconds since the start of the run.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/grpc.h"
#include "lgen/metrics.h"
#include "lgen/summary.h"

namespace lgen::lua {

struct Host;

/// Everything the ledger knows of one channel name.
struct ChannelAccount {
  ChannelSummary summary;
  std::uint64_t last_number = 0;  // of its connections
  SeriesId connections = 0, state = 0;
  bool crowding_told = false;        // a warning was given that max_streams is exceeded
  std::vector<std::string> handles;  // the names under which plans share it; empty: it has one
};

class Ledger {
 public:
  static constexpr std::size_t kNotKept = static_cast<std::size_t>(-1);

  /// One connection as its channel remembers it.
  struct Entry {
    std::uint64_t number = 0;  // within the account: the 2 of "main[1]#2"
    std::size_t record = kNotKept;
    std::string steps = {};  // of making it, in words
  };

  explicit Ledger(Host& host) : host_(host) {}

  ChannelAccount& account(const std::string& name, const std::string& pool, const std::string& target, bool shared);

  /// One more handle of a shared connection, by the name of "main[2]".
  static void share(ChannelAccount& account, const std::string& handle) { account.handles.push_back(handle); }

  /// `again`: it is not its channel's first.
  Entry opened(ChannelAccount& account, TimePoint at, bool again);
  void made(Entry& entry, const ConnectSteps& timing);
  void lost(ChannelAccount& account, const Entry& entry, const ChannelEvent& event);
  void failed_attempt(ChannelAccount& account, const ChannelEvent& event);
  void set_state(ChannelAccount& account, ChannelState state);
  void set_peer(const Entry& entry, std::string_view peer);

  /// More calls and streams are open on a connection than the plan's max_streams.
  void crowded(ChannelAccount& account, std::uint64_t limit);

  void fill(Summary& summary) const;

 private:
  void note(TimePoint at, std::string_view name, Fields fields);
  double seconds(TimePoint at) const;

  Host& host_;
  std::map<std::string, ChannelAccount, std::less<>> accounts_;
  std::deque<ConnectionRecord> records_;
  std::vector<EventRecord> events_;
  std::vector<std::string> notes_;
  std::uint64_t records_dropped_ = 0, events_dropped_ = 0;
};

}  // namespace lgen::lua
