// Keeps secrets out of everything that leaves the process: their text becomes *** wherever it stands, also in what a
// server has sent back or a plan has made labels of.
// Thread: a value.
#pragma once

#include <string>
#include <vector>

#include "lgen/summary.h"

namespace lgen {

class Redactor {
 public:
  /// Texts of less than four bytes are left alone: they stand in everything by chance.
  explicit Redactor(std::vector<std::string> secrets = {});
  bool empty() const { return secrets_.empty(); }

  void clean(std::string& text) const;
  void clean(RunInfo& run) const;
  void clean(Snapshot& metrics) const;  // labels
  void clean(Summary& summary) const;

 private:
  std::vector<std::string> secrets_;  // longest first
};

}  // namespace lgen
