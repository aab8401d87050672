// A page that follows a run: the HTML report as it grows. One page at /, what changes as server-sent events at /events.
// Nothing is computed while nobody looks; while somebody does, at most a twentieth of the time goes into it. Each
// reader first gets everything there is, then the parts that have changed; charts over time grow by their last
// intervals. A reader that does not keep up is let go, and may come again. Thread: the loop's. Lifetime: loop and
// server outlive it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lgen/http_server.h"
#include "lgen/loop.h"
#include "lgen/summary.h"

namespace lgen {

class Dashboard {
 public:
  Dashboard(Loop& loop, HttpServer& server);
  ~Dashboard();

  /// `so_far` tells the run as it stands, whenever it is asked for.
  void begin(std::function<Summary()> so_far);
  /// About once a second.
  void tick();
  /// The run is over: everybody gets its end, and nothing comes after that.
  void end(const Summary& summary);
  std::size_t readers() const { return readers_.size(); }

 private:
  struct Reader;
  struct State;
  void show_page(HttpReply& reply);
  void add_reader(HttpReply& reply);
  void refresh();
  void refresh_for_all();
  void tell_readers(std::string_view event);
  bool is_fresh() const;

  Loop& loop_;
  std::function<Summary()> so_far_;
  std::unique_ptr<State> state_;  // what has been told last
  std::vector<std::unique_ptr<Reader>> readers_;
  TimePoint next_refresh_{};
  bool over_ = false;
};

}  // namespace lgen
