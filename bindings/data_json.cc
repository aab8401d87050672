// JSON, by nlohmann-json. Of an array only one object is in memory at a time: the parser's callback takes each as soon
// as it is complete and lets the parser throw it away.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <nlohmann/json.hpp>

#include "data_files.h"
#include "data_source.h"

namespace lgen::lua {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kMaxDepth = 100;  // as lgen.json takes it

/// "[json.exception.parse_error.101] parse error at line 3, column 5: syntax error ...; last read: '...'; ...": without
/// the tag and what was read, and with the line where it belongs.
Error syntax_error(const std::string& path, std::string_view what, std::size_t line) {
  constexpr std::string_view kAt = "parse error at line ";
  what = what.substr(0, std::min(what.find("; last read: "), what.find(" parsing '")));
  const std::size_t at = what.find(kAt);
  if (at == std::string_view::npos) return bad_line(path, line, what.substr(what.find("] ") + 2));
  what.remove_prefix(at + kAt.size());
  std::size_t inside = 1;
  const auto end = std::from_chars(what.data(), what.data() + what.size(), inside);
  what.remove_prefix(static_cast<std::size_t>(end.ptr - what.data()));
  if (what.starts_with(", ")) what.remove_prefix(2);
  return bad_line(path, line + inside - 1, what);
}

void put_value(DataSet& set, std::size_t column, const Json& value) {
  if (value.is_string()) return set.put(column, value.get_ref<const std::string&>());
  if (value.is_boolean()) return set.put(column, "", value.get<bool>() ? CellKind::yes : CellKind::no);
  if (value.is_number_unsigned()) return set.put_natural(column, value.get<std::uint64_t>());
  if (value.is_number_integer()) return set.put_integer(column, value.get<std::int64_t>());
  if (value.is_number()) return set.put_number(column, value.get<double>());
  if (!value.is_null()) set.put(column, value.dump(), CellKind::json);
}

void add_object(DataSet& set, const Json& object) {
  for (const auto& [name, value] : object.items()) {
    const std::size_t column = set.column(name);  // also of a null: the plan may ask for it
    put_value(set, column, value);
  }
  set.add_row();
}

/// "row 3: an object expected, got number"
std::string no_object(std::size_t row, std::string_view got) {
  return fmt::format("row {}: an object expected, got {}", row, got);
}

/// Takes the rows of an array as they become complete.
class ArrayRows {
 public:
  explicit ArrayRows(DataSet& set) : set_(set) {}
  bool take(int depth, Json::parse_event_t event, const Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > kMaxDepth) return refuse(fmt::format("row {}: nested too deep", set_.size() + 1));
    if (depth != 1 || event == Event::object_start || event == Event::key) return true;
    if (event != Event::object_end) return refuse(no_object(set_.size() + 1, got(event, parsed)));
    if (wrong_.empty()) add_object(set_, parsed);
    return false;
  }
  const std::string& wrong() const { return wrong_; }

 private:
  static std::string_view got(Json::parse_event_t event, const Json& parsed) {
    return event == Json::parse_event_t::value ? parsed.type_name() : "array";
  }
  bool refuse(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
    return false;
  }
  DataSet& set_;
  std::string wrong_;
};

Result<DataSet> read_array(const std::string& path, std::istream& in) {
  DataSet set;
  ArrayRows rows(set);
  try {
    [[maybe_unused]] const Json rest = Json::parse(
        in, [&](int depth, Json::parse_event_t event, Json& json) { return rows.take(depth, event, json); });
  } catch (const Json::exception& error) {
    return rows.wrong().empty() ? syntax_error(path, error.what(), 1) : bad_file(path, rows.wrong());
  }
  if (!rows.wrong().empty()) return bad_file(path, rows.wrong());
  if (set.size() == 0) return bad_file(path, "the array is empty");
  return set;
}

bool blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

Result<DataSet> read_json_lines(const std::string& path, std::istream& in) {
  DataSet set;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (blank(line)) continue;
    try {
      bool too_deep = false;
      const Json json = Json::parse(line, [&](int depth, Json::parse_event_t, Json&) {
        too_deep = too_deep || depth >= kMaxDepth;
        return !too_deep;
      });
      if (too_deep) return bad_line(path, number, "nested too deep");
      if (!json.is_object()) return bad_line(path, number, no_object(set.size() + 1, json.type_name()));
      add_object(set, json);
    } catch (const Json::exception& error) {
      return syntax_error(path, error.what(), number);
    }
  }
  return set;
}

}  // namespace

Result<DataSet> read_json(const std::string& path) {
  auto file = open_data(path);
  if (!file) return file.error();
  std::istream& in = **file;
  std::size_t line = 1;
  while (std::isspace(in.peek()) != 0) line += in.get() == '\n' ? 1 : 0;
  if (in.peek() == std::istream::traits_type::eof()) return bad_file(path, "the file is empty");
  if (in.peek() != '[' && in.peek() != '{') {
    return bad_line(path, line, "neither an array of objects nor an object a line");
  }
  const bool array = in.peek() == '[';
  in.seekg(0);
  return array ? read_array(path, in) : read_json_lines(path, in);
}

}  // namespace lgen::lua
