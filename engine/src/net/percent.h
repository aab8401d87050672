// %41 and its kin in URLs and queries.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lgen {

/// Nothing where a % is not followed by two hex digits. `plus`: a + is a blank, as in queries and forms.
std::optional<std::string> percent_decode(std::string_view text, bool plus = false);

/// A URL as it may be printed: the password becomes ***.
std::string without_password(std::string_view url);

}  // namespace lgen
