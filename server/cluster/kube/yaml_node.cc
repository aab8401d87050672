#include "yaml_node.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "objects.h"
#include "quantity.h"

namespace lgen::kube {

YamlNode::YamlNode(YAML::Node yaml, std::string file, std::string path, int line)
    : yaml_(std::move(yaml)), file_(std::move(file)), path_(std::move(path)), parent_line_(line) {}

YamlNode YamlNode::operator[](const std::string& key) const {
  const std::string path = path_.empty() ? key : path_ + "." + key;
  if (!given()) return {YAML::Node(YAML::NodeType::Undefined), file_, path, parent_line_};
  if (!yaml_.IsMap()) refuse("must be a map");
  const YAML::Node& map = yaml_;  // the other operator[] would enter the key
  return {map[key], file_, path, line()};
}

int YamlNode::line() const {
  if (!yaml_.IsDefined() || yaml_.Mark().is_null()) return parent_line_;
  return yaml_.Mark().line + 1;
}

std::string YamlNode::where() const { return fmt::format("{}:{}", file_, line()); }

std::string YamlNode::place() const { return fmt::format("{}:{}{}", where(), path_.empty() ? "" : " ", path_); }

void YamlNode::refuse(const std::string& what) const { throw ManifestError(fmt::format("{} {}", place(), what)); }

std::vector<YamlNode> YamlNode::items() const {
  std::vector<YamlNode> found;
  if (!given()) return found;
  if (!yaml_.IsSequence()) refuse("must be a list");
  for (std::size_t i = 0; i < yaml_.size(); ++i) {
    const YAML::Node& list = yaml_;
    found.push_back(YamlNode(list[i], file_, fmt::format("{}[{}]", path_, i), line()));
  }
  return found;
}

std::map<std::string, std::string> YamlNode::string_map() const {
  std::map<std::string, std::string> found;
  if (!given()) return found;
  if (!yaml_.IsMap()) refuse("must be a map");
  for (const auto& entry : yaml_) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) refuse("must map texts to texts");
    found[entry.first.Scalar()] = entry.second.Scalar();
  }
  return found;
}

std::vector<std::string> YamlNode::strings() const {
  std::vector<std::string> found;
  for (const YamlNode& item : items()) {
    if (!item.yaml_.IsScalar()) item.refuse("must be a text");
    found.push_back(item.yaml_.Scalar());
  }
  return found;
}

std::vector<YamlNode> YamlNode::keys() const {
  std::vector<YamlNode> found;
  if (!given()) return found;
  if (!yaml_.IsMap()) refuse("must be a map");
  for (const auto& entry : yaml_) {
    if (!entry.first.IsScalar()) refuse("must have texts for keys");
    const std::string key = entry.first.Scalar();
    found.push_back(YamlNode(entry.first, file_, path_.empty() ? key : path_ + "." + key, line()));
  }
  return found;
}

bool YamlNode::matters() const {
  if (!given()) return false;
  if (!yaml_.IsScalar()) return yaml_.size() > 0;
  const std::string& text = yaml_.Scalar();
  return !text.empty() && text != "false" && text != "None" && text != "0";
}

std::string YamlNode::text() const {
  if (!given()) refuse("is missing");
  if (!yaml_.IsScalar() || yaml_.Scalar().empty()) refuse("must be a text");
  return yaml_.Scalar();
}

std::string YamlNode::text_or(const std::string& fallback) const {
  if (!given()) return fallback;
  if (!yaml_.IsScalar()) refuse("must be a text");
  return yaml_.Scalar();
}

std::int64_t YamlNode::integer(std::int64_t least, std::int64_t most) const {
  if (!given()) refuse("is missing");
  // "!" is the tag of what stands in quotes.
  const std::string text = yaml_.IsScalar() && yaml_.Tag() != "!" ? yaml_.Scalar() : "";
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size()) {
    refuse(fmt::format("must be a whole number{}", yaml_.IsScalar() ? fmt::format(", not {}", yaml_.Scalar()) : ""));
  }
  if (error == std::errc::result_out_of_range || value < least || value > most) {
    refuse(fmt::format("is {}, which must be {}..{}", text, least, most));
  }
  return value;
}

std::int64_t YamlNode::integer_or(std::int64_t fallback, std::int64_t least, std::int64_t most) const {
  return given() ? integer(least, most) : fallback;
}

std::int64_t YamlNode::quantity() const {
  const auto value = parse_quantity(text());
  if (!value) refuse(fmt::format("is {}, which is no quantity such as 15, 250m or 64Mi", text()));
  if (*value <= 0) refuse(fmt::format("is {}, which must be above 0", text()));
  return *value;
}

Duration YamlNode::seconds_or(std::int64_t fallback, std::int64_t least) const {
  return std::chrono::seconds(integer_or(fallback, least));
}

}  // namespace lgen::kube
