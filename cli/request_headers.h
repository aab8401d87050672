// -H 'name: value' as gRPC metadata.
// Thread: pure functions of their arguments and the environment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/grpc.h"

namespace lgen::cli {

/// In lower case.
Result<std::string> header_name(std::string_view said);
/// As it is sent; of a `-bin` name decoded from base64.
Result<std::string> header_value(std::string_view name, std::string_view said);

/// Names in lower case; the values of `-bin` names are decoded from base64. With `expand`, ${NAME} in a value stands
/// for that environment variable. `flag` is named in errors.
Result<Metadata> parse_headers(const std::vector<std::string>& lines, bool expand, const std::string& flag);

}  // namespace lgen::cli
