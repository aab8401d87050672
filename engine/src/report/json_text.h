// A JSON document as text that a person can read and a diff can compare: small values stay on one line.
// Thread: a pure function.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace lgen {

std::string json_text(const nlohmann::ordered_json& document);

}  // namespace lgen
