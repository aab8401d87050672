// The library knows what is wrong, and says it in terms of its grammar: "[json.exception.parse_error.101] parse error
// at line 1, column 5: syntax error while parsing object - unexpected ']'; expected '}'". Line, column and the part of
// the grammar are taken from there, the words are ours.
#include "lgen/json_problem.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

namespace lgen {
namespace {

using Json = nlohmann::json;

/// What is between `before` and `after`; to the end without it; "" when there is no `before`.
std::string_view between(std::string_view text, std::string_view before, std::string_view after) {
  const std::size_t at = text.find(before);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + before.size());
  return text.substr(0, text.find(after));
}

std::size_t number_behind(std::string_view text, std::string_view word) {
  const std::string_view digits = between(text, word, " ");
  std::size_t number = 1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string_view wanted(std::string_view part) {
  if (part == "object key") return "a name in double quotes, or '}'";
  if (part == "object separator") return "':' behind the name";
  if (part == "object") return "',' or '}'";
  if (part == "array") return "',' or ']'";
  return "a value";
}

/// "unexpected end of input", "unexpected ']'", "invalid string: missing closing quote", "invalid literal".
std::string found(std::string_view said, std::string_view read) {
  if (said == "unexpected end of input") return "found the end";
  if (said.starts_with("unexpected "))
    return fmt::format("found {}", said.substr(std::string_view("unexpected ").size()));
  if (said == "invalid literal") return fmt::format("found {}, which is no word of JSON", read);
  return fmt::format("found an {}", said);
}

std::string words_of(std::string_view what) {
  const std::string_view part = between(what, "while parsing ", " - ");
  if (part.empty()) return "expected a number that a computer can hold";  // 406: out of range
  const std::string_view read = between(what, "last read: ", ";");
  // The whole document is read and something follows.
  if (part == "value" && what.find("; expected end of input") != std::string_view::npos) {
    return fmt::format("expected the end, {}", found(between(what, " - ", "; "), read));
  }
  return fmt::format("expected {}, {}", wanted(part), found(between(what, " - ", "; "), read));
}

/// Reads and keeps nothing but the error.
class Scan final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    what = error.what();
    return false;
  }
  std::string what;
};

}  // namespace

std::optional<JsonProblem> json_problem(std::string_view text) {
  Scan scan;
  if (Json::sax_parse(text, &scan)) return std::nullopt;
  return JsonProblem{number_behind(scan.what, " line "), number_behind(scan.what, " column "), words_of(scan.what)};
}

}  // namespace lgen
