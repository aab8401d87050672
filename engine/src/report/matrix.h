// A distribution as a table that fits the page: rows folded into channels, names shortened alike, columns or rows
// beyond the room added up under "more". Thread: pure functions.
#pragma once

#include "lgen/distribution.h"
#include "lgen/text.h"

namespace lgen {

void print_matrix(Page& page, const DistributionTable& table, std::size_t indent);

}  // namespace lgen
