// Keeps secrets out of everything that leaves the process: their text becomes *** wherever it stands, also in what a
// server has sent back or a plan has made labels of.
// Thread: a value.
#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "lgen/summary.h"

namespace lgen {

class Redactor {
 public:
  static constexpr std::size_t kLongest = 64;

  explicit Redactor(const std::vector<std::string>& secrets = {});
  bool empty() const { return values_.empty(); }
  /// From now on clean() hides it. Texts of less than four bytes are left alone: they stand in everything by chance.
  /// Of a text longer than 64 bytes the beginning is enough, and nothing behind it is left: texts may have been cut.
  /// False: it is left alone, or known already.
  bool add(std::string_view secret);

  void clean(std::string& text) const;
  void clean(RunInfo& run) const;
  void clean(EventRecord& event) const;
  void clean(Snapshot& metrics) const;  // labels
  void clean(Summary& summary) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Texts = std::unordered_set<std::string, Hash, std::equal_to<>>;
  std::size_t length_at(std::string_view text, std::size_t from) const;

  Texts values_;                                              // of each secret the first 64 bytes
  Texts beginnings_;                                          // of these, what is not a whole secret
  std::set<std::size_t, std::greater<std::size_t>> lengths_;  // of the values
  std::vector<bool> pairs_;                                   // by two bytes: whether a value begins with them
};

}  // namespace lgen
