// A JSON document as text that a person can read and a diff can compare: small values stay on one line.
// Thread: pure functions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace lgen {

std::string json_text(const nlohmann::ordered_json& document);

/// The same for those who make a document piece by piece: a value behind `indent` columns, and what begins a member.
void append_json(const nlohmann::ordered_json& value, std::size_t indent, std::string& out);
void append_key(std::string_view key, std::size_t indent, std::string& out);

}  // namespace lgen
