// A tree of values would have forgotten what is looked for here: of a key that comes twice it keeps the last value.
#include "json_scan.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "json_place.h"

namespace lgen {
namespace {

namespace pb = google::protobuf;

constexpr int kOutOfRange = 406;  // nlohmann's number of this error

/// "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error while parsing value - ..." without
/// the chatter.
std::string plain(std::string_view said) {
  said.remove_prefix(std::min(said.size(), said.find("] ") + 2));
  constexpr std::string_view kStart = "parse error at ";
  if (said.starts_with(kStart)) said.remove_prefix(kStart.size());
  constexpr std::string_view kChatter = "syntax error while parsing ";
  std::string clean(said);
  if (const std::size_t at = clean.find(kChatter); at != std::string::npos) clean.erase(at, kChatter.size());
  return "no JSON: " + clean;
}

/// Follows the text and knows at any time where it is.
class Scan final : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Scan(const pb::Descriptor& type) : type_(type) {}

  bool null() override { return over(); }
  bool boolean(bool) override { return over(); }
  bool number_integer(number_integer_t) override { return over(); }
  bool number_unsigned(number_unsigned_t) override { return over(); }
  bool number_float(number_float_t, const string_t&) override { return over(); }
  bool string(string_t&) override { return over(); }
  bool binary(binary_t&) override { return over(); }
  bool start_object(std::size_t) override { return open(false); }
  bool start_array(std::size_t) override { return open(true); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& key) override {
    Level& level = levels_.back();
    level.key = key;
    if (level.keys.insert(key).second) return true;
    const Place place = here();
    problem = fmt::format("{}: the {} is given twice", place.path, place.in_map ? "key" : "field");
    return false;
  }

  bool parse_error(std::size_t, const std::string& token, const nlohmann::json::exception& e) override {
    if (e.id != kOutOfRange) {
      problem = plain(e.what());
    } else {
      const std::string path = here().path;
      problem = fmt::format("{}{}{} is larger than any number can be", path, path.empty() ? "" : ": ", token);
    }
    return false;
  }

  std::string problem;

 private:
  struct Level {
    bool is_list;
    std::size_t index = 0;
    std::string key;
    std::set<std::string> keys;
  };
  struct Place {
    std::string path;
    bool in_map = false;
  };

  bool open(bool is_list) {
    levels_.push_back({is_list, 0, "", {}});
    return true;
  }
  bool close() {
    levels_.pop_back();
    return over();
  }
  /// A value has ended.
  bool over() {
    if (!levels_.empty() && levels_.back().is_list) ++levels_.back().index;
    return true;
  }

  Place here() const {
    Place place;
    const pb::Descriptor* message = &type_;
    for (const Level& level : levels_) {
      if (level.is_list) {
        place.path += fmt::format("[{}]", level.index);
        continue;
      }
      place.in_map = message != nullptr && message->options().map_entry();
      const pb::FieldDescriptor* field = message == nullptr ? nullptr
                                         : place.in_map     ? message->map_value()
                                                            : find_json_field(*message, level.key);
      if (place.in_map) {
        place.path += key_in_path(level.key);
      } else {
        place.path += (place.path.empty() ? "" : ".") + (field != nullptr ? field->name() : level.key);
      }
      message = field != nullptr ? field->message_type() : nullptr;
    }
    return place;
  }

  const pb::Descriptor& type_;
  std::vector<Level> levels_;
};

}  // namespace

std::string json_text_problem(const pb::Descriptor& type, std::string_view text) {
  Scan scan(type);
  nlohmann::json::sax_parse(text, &scan);
  return scan.problem;
}

}  // namespace lgen
