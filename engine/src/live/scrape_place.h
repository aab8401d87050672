// Where the pods of a scrape target are, as a plan writes it.
// Thread: values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/metrics.h"

namespace lgen {

struct ScrapePlace {
  enum class Kind {
    page,       // `url` is the page of one pod
    dns,        // every address of `host` is a pod with its page at `port` and `path`
    discovery,  // `url` is a document of Prometheus' HTTP service discovery
  };
  Kind kind = Kind::page;
  std::string url;
  std::string host;
  int port = 0;
  std::string path;
};

/// The error says what is wrong with the text.
Result<ScrapePlace> parse_scrape_place(std::string_view text);

/// One pod of a place.
struct PodAddress {
  std::string pod;
  Labels labels;
  std::string url;
};

}  // namespace lgen
