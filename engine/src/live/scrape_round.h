// One round of a target: who the pods are now, then the pages of all of them at once.
// Thread: the loop's.
// Lifetime: loop, client, places and options outlive it; it may be dropped at any time.
#pragma once

#include <functional>
#include <string>
#include <unordered_set>
#include <vector>

#include "lgen/http.h"
#include "lgen/loop.h"
#include "lgen/op.h"
#include "lgen/scrape.h"
#include "scrape_page.h"
#include "scrape_place.h"

namespace lgen {

/// A place with the pods it had when it was last asked.
struct KnownPlace {
  ScrapePlace place;
  std::vector<PodAddress> pods;
};

class ScrapeRound {
 public:
  /// `over` is called once, never inside begin(); result() is whole then. The round must outlive that call.
  ScrapeRound(Loop& loop, HttpClient& client, std::vector<KnownPlace>& places, const ScrapeOptions& options,
              std::function<void()> over);
  ScrapeRound(const ScrapeRound&) = delete;
  ScrapeRound& operator=(const ScrapeRound&) = delete;

  void begin();
  bool is_over() const { return pending_ == 0; }
  ScrapeSample take_result() { return std::move(sample_); }

 private:
  struct Lookup {
    KnownPlace* place;
    Op op;
    bool done = false;
  };

  void look_up(Lookup& lookup);
  void look_up_name(Lookup& lookup);
  void ask_discovery(Lookup& lookup);
  void looked_up(Lookup& lookup, Result<std::vector<PodAddress>> found);
  void lookups_take_too_long();
  void fetch_pods(const std::vector<PodAddress>& pods);
  void fetch(const PodAddress& pod);
  void fetched(std::size_t index, const HttpResult& result);
  void page_read(std::size_t index, PageResult page);
  HttpRequest request(const std::string& url, std::string_view accept) const;
  void one_less();

  Loop& loop_;
  HttpClient& client_;
  std::vector<KnownPlace>& places_;
  const ScrapeOptions& options_;
  std::function<void()> over_;
  std::size_t pending_ = 0;
  ScrapeSample sample_;
  // Of the sample's pods: where, since when, and what is under way for each, fetching or reading its page.
  std::vector<std::string> urls_;
  std::vector<TimePoint> begun_;
  std::vector<Op> pages_;
  std::unordered_set<std::string> asked_, names_;  // URLs and names of pods so far
  std::vector<Lookup> lookups_;
  Timer lookup_limit_;
};

}  // namespace lgen
