// Long names made short, all in the same way, so that a matrix of pods fits a terminal.
// Thread: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/text.h"

namespace lgen {

struct ShortNames {
  std::vector<std::string> names;  // in the order given
  std::string pattern;             // "grpc-server-7d9c-*": what was cut off; "" when nothing was
};

/// Cuts off what all names share in front and at the end, up to a separator (one of - . _ : / [ ]). Names that are no
/// backend's ("unknown", "overflow") stay whole and do not count.
ShortNames shorten_names(const std::vector<std::string>& names);

/// "grpc-serv…r-abcde[0]": at most `width` columns, with more of the end kept than of the front.
std::string elide_middle(std::string_view text, std::size_t width);

/// "a, b and c".
std::string join_words(const std::vector<std::string>& words);

/// "12,345".
std::string grouped(std::uint64_t n);

/// "connection" -> "connections", "proxy" -> "proxies".
std::string plural(std::string_view word);

}  // namespace lgen
