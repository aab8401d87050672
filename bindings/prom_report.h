// What is told of pods whose metrics page cannot be read.
// Thread: the loop's. Lifetime: pure functions.
#pragma once

#include <string>

#include "lgen/scrape.h"

namespace lgen::lua {

/// Which pods the latest round has found without a page, in one line; "" when there is none.
std::string silent_pods(const ScrapeTarget& target);

}  // namespace lgen::lua
