// Words of a peer, which may hold anything, where they are shown.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace lgen {

/// No control characters but tabs, as HTTP wants the values of fields (RFC 9110, 5.5).
bool is_showable(std::string_view text);

/// For messages: '?' for whatever is not printable ASCII.
std::string visible(std::string_view text);

}  // namespace lgen
