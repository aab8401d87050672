// Numbers and names as the page's JSON has them.
// Thread: pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lgen/metrics.h"
#include "page_data.h"

namespace lgen::html {

/// Four digits: what a chart can show. Whole numbers stay whole; NaN and infinite become null.
Json rounded(double value);

/// As it is; NaN and infinite become null.
Json exact(double value);

/// `code=OK, kind=book`.
std::string labels_words(const Labels& labels, std::string_view without = "");

/// The label of scraped metrics that says nothing: "target" where there is one alone, else "".
std::string_view label_to_spare(const Snapshot& metrics);

/// "pod-2" before "pod-10"; "overflow" and "unknown" last.
std::vector<std::string> in_natural_order(std::vector<std::string> names);

/// At most `most` bytes, cut between characters.
std::string cut(std::string_view text, std::size_t most = 240);

}  // namespace lgen::html
