// A place in a manifest: its value, and where it stands, for messages.
//
// *Thread:* a plain value.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "lgen/time.h"

namespace lgen::kube {

class YamlNode {
 public:
  YamlNode(YAML::Node yaml, std::string file) : yaml_(std::move(yaml)), file_(std::move(file)) {}

  // The member of a map; not `given()` when it is not there, or null.
  YamlNode operator[](const std::string& key) const;
  bool given() const { return yaml_.IsDefined() && !yaml_.IsNull(); }
  // Says something other than no, nothing or what is the default everywhere: not false, None, 0, [] or {}.
  bool matters() const;
  bool is_list() const { return yaml_.IsSequence(); }

  // All throw ManifestError when the value is of another type; the second kind have a value for what is not given.
  std::vector<YamlNode> items() const;  // empty when not given
  std::map<std::string, std::string> string_map() const;
  std::vector<std::string> strings() const;
  std::vector<YamlNode> keys() const;  // of a map, each as a text at its own place; empty when not given
  std::string text() const;            // given and not empty
  std::string text_or(const std::string& fallback) const;
  std::int64_t integer(std::int64_t least, std::int64_t most = std::numeric_limits<std::int32_t>::max()) const;
  std::int64_t integer_or(std::int64_t fallback, std::int64_t least,
                          std::int64_t most = std::numeric_limits<std::int32_t>::max()) const;
  std::int64_t quantity() const;  // thousandths, above 0
  Duration seconds_or(std::int64_t fallback, std::int64_t least) const;

  const std::string& path() const { return path_; }
  std::string where() const;  // "FILE:LINE"
  std::string place() const;  // "FILE:LINE: spec.replicas"
  [[noreturn]] void refuse(const std::string& what) const;

 private:
  YamlNode(YAML::Node yaml, std::string file, std::string path, int line);
  int line() const;

  YAML::Node yaml_;
  std::string file_, path_;
  int parent_line_ = 1;
};

}  // namespace lgen::kube
