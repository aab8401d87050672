#include "placeholders.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <utility>

#include "lgen/units.h"
#include "script_text.h"

namespace lgen::cli {
namespace {

// A mark is BEGIN, the placeholder's index, END. As JSON escapes, since JSON holds no bare control characters.
constexpr char kBegin = '\x01', kEnd = '\x02', kBare = '\x03';
constexpr std::string_view kJsonBegin = "\\u0001", kJsonEnd = "\\u0002", kJsonBare = "\\u0003";

constexpr const char* kSomeUuid = "f81d4fae-7dec-41d0-8765-00a0c91e6bf6";  // no number

Error usage(std::string message) { return make_error(ErrorCode::invalid_argument, std::move(message)); }

Placeholder text_of(std::string_view constant) { return {lua_string(constant), "", std::string(constant)}; }
Placeholder word_of(bool constant) { return text_of(constant ? "true" : "false"); }

struct Value {
  std::string_view name;
  Placeholder (*make)(const MethodFacts& facts);
};

constexpr Value kValues[] = {
    {"RequestNumber",
     [](const MethodFacts&) {
       return Placeholder{"number", "number", "0"};
     }},
    {"WorkerID",
     [](const MethodFacts&) {
       return Placeholder{"vu.id", "vu.id", "1"};
     }},
    {"UUID",
     [](const MethodFacts&) {
       return Placeholder{"lgen.random.uuid()", "", kSomeUuid};
     }},
    {"Timestamp",
     [](const MethodFacts&) {
       return Placeholder{"os.date(\"!%Y-%m-%dT%H:%M:%SZ\")", "", "2026-01-01T00:00:00Z"};
     }},
    {"TimestampUnix",
     [](const MethodFacts&) {
       return Placeholder{"os.time()", "os.time()", "1767225600"};
     }},
    {"TimestampUnixMilli",
     [](const MethodFacts&) {
       return Placeholder{"math.floor(lgen.time() * 1000)", "math.floor(lgen.time() * 1000)", "1767225600000"};
     }},
    // Beyond 2^53, so as a text, or as a 64-bit integer.
    {"TimestampUnixNano",
     [](const MethodFacts&) {
       return Placeholder{"(\"%.0f000\"):format(lgen.time() * 1e6)", "math.floor(lgen.time() * 1e6) * 1000LL",
                          "1767225600000000000"};
     }},
    {"FullyQualifiedName", [](const MethodFacts& facts) { return text_of(facts.full_name); }},
    {"ServiceName", [](const MethodFacts& facts) { return text_of(facts.service); }},
    {"MethodName", [](const MethodFacts& facts) { return text_of(facts.method); }},
    {"InputName", [](const MethodFacts& facts) { return text_of(facts.input); }},
    {"OutputName", [](const MethodFacts& facts) { return text_of(facts.output); }},
    {"IsClientStreaming", [](const MethodFacts& facts) { return word_of(facts.client_streams); }},
    {"IsServerStreaming", [](const MethodFacts& facts) { return word_of(facts.server_streams); }},
};

constexpr std::string_view kFunctions[] = {"newUUID", "randomString", "randomInt"};

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t from = text.find_first_not_of(" \t\r\n");
    if (from == std::string_view::npos) return words;
    text.remove_prefix(from);
    words.push_back(text.substr(0, text.find_first_of(" \t\r\n")));
    text.remove_prefix(words.back().size());
  }
}

Error unknown(std::string_view inside, std::string_view name) {
  std::vector<std::string> names;
  for (const Value& value : kValues) names.push_back(fmt::format(".{}", value.name));
  for (const std::string_view function : kFunctions) names.emplace_back(function);
  const std::string_view guess = did_you_mean(name, names);
  return usage(fmt::format("{{{{{}}}}}: unknown template value {}", inside,
                           guess.empty() ? fmt::format("(there are: {})", fmt::join(names, " "))
                                         : fmt::format("(did you mean '{}'?)", guess)));
}

std::optional<std::int64_t> whole(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The two bounds of randomInt and randomString, without their upper end, as in ghz.
Result<std::string> random_between(std::string_view inside, const std::vector<std::string_view>& words) {
  const auto low = words.size() == 3 ? whole(words[1]) : std::nullopt;
  const auto high = words.size() == 3 ? whole(words[2]) : std::nullopt;
  if (low && high && *low < *high) return fmt::format("lgen.random.int({}, {})", *low, *high - 1);
  return usage(
      fmt::format("{{{{{}}}}}: two whole numbers are expected, the first below the second, as in {{{{{} 2 16}}}}",
                  inside, words[0]));
}

Result<Placeholder> compile_function(std::string_view inside, const std::vector<std::string_view>& words) {
  if (words[0] == "newUUID") {
    if (words.size() > 1) return usage(fmt::format("{{{{{}}}}}: newUUID takes no arguments", inside));
    return Placeholder{"lgen.random.uuid()", "", kSomeUuid};
  }
  if (words[0] != "randomString" && words[0] != "randomInt") return unknown(inside, words[0]);
  const auto between = random_between(inside, words);
  if (!between) return between.error();
  if (words[0] == "randomInt") return Placeholder{*between, *between, std::string(words[1])};
  if (*whole(words[1]) < 0) return usage(fmt::format("{{{{{}}}}}: a text has no negative length", inside));
  return Placeholder{fmt::format("lgen.random.string({})", *between), "", ""};
}

/// Whether the quotes passed so far leave us inside a JSON string.
class Quotes {
 public:
  void pass(std::string_view text) {
    for (const char c : text) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = inside_;
      } else if (c == '"') {
        inside_ = !inside_;
      }
    }
  }
  bool inside() const { return inside_; }

 private:
  bool inside_ = false, escaped_ = false;
};

constexpr std::string_view kOfNumbers = "+-.0123456789eE";

std::size_t digits_at_end(std::string_view text) { return text.size() - (text.find_last_not_of(kOfNumbers) + 1); }

/// Moves the digits at the start of `text` into the string of ours at the end of `json`, and closes it behind them
/// unless `text` ends first.
bool end_bare(std::string_view& text, std::string& json) {
  const std::size_t digits = std::min(text.find_first_not_of(kOfNumbers), text.size());
  if (digits == text.size()) return false;
  json += fmt::format("{}\"", text.substr(0, digits));
  text.remove_prefix(digits);
  return true;
}

}  // namespace

MethodFacts facts_of(const MethodInfo& method) {
  const auto last = [](const std::string& name, char separator) { return name.substr(name.rfind(separator) + 1); };
  MethodFacts facts;
  facts.full_name = method.name;
  std::replace(facts.full_name.begin(), facts.full_name.end(), '/', '.');
  facts.service = last(method.name.substr(0, method.name.find('/')), '.');
  facts.method = last(method.name, '/');
  facts.input = last(method.input->name, '.');
  facts.output = last(method.output->name, '.');
  facts.client_streams = method.kind == MethodKind::client || method.kind == MethodKind::bidi;
  facts.server_streams = method.kind == MethodKind::server || method.kind == MethodKind::bidi;
  return facts;
}

Result<Placeholder> compile_placeholder(std::string_view inside, const MethodFacts& facts) {
  const std::vector<std::string_view> words = split_words(inside);
  if (words.empty()) return usage("{{}}: a template value is missing");
  if (words[0][0] != '.') return compile_function(inside, words);
  const std::string_view name = words[0].substr(1);
  const auto* value =
      std::find_if(std::begin(kValues), std::end(kValues), [&](const Value& v) { return v.name == name; });
  if (value == std::end(kValues)) return unknown(inside, words[0]);
  if (words.size() > 1) return usage(fmt::format("{{{{{}}}}}: {} takes no arguments", inside, words[0]));
  return value->make(facts);
}

Result<MarkedJson> mark_placeholders(std::string_view text, const MethodFacts& facts) {
  MarkedJson marked;
  Quotes quotes;
  bool bare = false;  // in a string of our own, around a value that stands outside the user's
  for (std::size_t open; (open = text.find("{{")) != std::string_view::npos;) {
    std::string_view before = text.substr(0, open);
    const std::size_t close = text.find("}}", open);
    if (close == std::string_view::npos)
      return usage(fmt::format("'{}': the end }}}} is missing", text.substr(open, 20)));
    auto placeholder = compile_placeholder(text.substr(open + 2, close - open - 2), facts);
    if (!placeholder) return placeholder.error();
    placeholder->written = text.substr(open, close + 2 - open);
    if (bare) bare = !end_bare(before, marked.json);
    quotes.pass(before);
    marked.json += before;
    if (!quotes.inside() && !bare) {
      marked.json.insert(marked.json.size() - digits_at_end(before), fmt::format("\"{}", kJsonBare));
      bare = true;
    }
    marked.json += fmt::format("{}{}{}", kJsonBegin, marked.placeholders.size(), kJsonEnd);
    marked.placeholders.push_back(std::move(*placeholder));
    text.remove_prefix(close + 2);
  }
  if (bare && !end_bare(text, marked.json)) marked.json += fmt::format("{}\"", std::exchange(text, ""));
  marked.json += text;
  return marked;
}

bool was_bare(std::string_view marked) { return marked.starts_with(kBare); }

std::string as_written(std::string_view marked, const std::vector<Placeholder>& placeholders) {
  std::string out;
  for (const Piece& piece : pieces_of(marked, placeholders)) {
    out += piece.placeholder ? piece.placeholder->written : piece.text;
  }
  return out;
}

std::optional<std::string> example_of(const std::vector<Piece>& pieces) {
  std::string out;
  for (const Piece& piece : pieces) {
    if (piece.placeholder && piece.placeholder->example.empty()) return std::nullopt;
    out += piece.placeholder ? piece.placeholder->example : piece.text;
  }
  return out;
}

bool has_placeholder(std::string_view marked) { return marked.find(kBegin) != std::string_view::npos; }

std::vector<Piece> pieces_of(std::string_view marked, const std::vector<Placeholder>& placeholders) {
  std::vector<Piece> pieces;
  if (was_bare(marked)) marked.remove_prefix(1);
  while (!marked.empty()) {
    const std::size_t begin = marked.find(kBegin), end = marked.find(kEnd);
    const bool has_mark = begin != std::string_view::npos && end != std::string_view::npos && begin < end;
    if (!has_mark || begin > 0) pieces.push_back({std::string(marked.substr(0, has_mark ? begin : marked.size()))});
    if (!has_mark) break;
    const auto index = whole(marked.substr(begin + 1, end - begin - 1));
    if (index && *index >= 0 && static_cast<std::size_t>(*index) < placeholders.size()) {
      pieces.push_back({"", &placeholders[static_cast<std::size_t>(*index)]});
    }
    marked.remove_prefix(end + 1);
  }
  return pieces;
}

}  // namespace lgen::cli
