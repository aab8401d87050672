// What a server has told about its types so far, and what must be asked next. No network in here.
//
// Asked for: the services; for each that no file at hand defines, the file with it; for each import not at hand, that
// file, once. Symbols go one after another, because servers answer with a file and much of what it imports, and the
// next symbol may be there already; imports go all at once. Last come extensions of messages that may be extended: what
// a server says about these is welcome, and nothing is amiss when it says nothing.
//
// Thread: one at a time.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "descriptor_set.h"
#include "lgen/error.h"
#include "reflection_wire.h"

namespace lgen {

class ReflectionFindings {
 public:
  /// The next question, if there is one to be asked now. `waiting`: answers are still on their way.
  std::optional<ReflectionQuestion> next(bool waiting);
  /// Nothing is left to be asked.
  bool complete() const { return complete_; }
  /// The answer to `question`. An error when it makes the whole useless.
  Outcome take(const ReflectionQuestion& question, const ReflectionAnswer& answer);
  /// The types. Services that cannot be described for want of a file are in `undescribed`.
  Result<DescriptorSet> link();

 private:
  void look_further();
  Outcome refused(const ReflectionQuestion& question, const GrpcStatus& status);
  Outcome take_file(const std::string& bytes, std::set<std::string>& imports);
  void leave_out_torn_files();
  std::string why_not(const std::string& service) const;

  FileSet files_;
  std::set<std::string> services_, unasked_;
  std::set<std::string> asked_files_, asked_types_;
  std::deque<ReflectionQuestion> to_ask_;
  std::map<std::string, std::string> reasons_;  // symbols and files refused -> the server's words
  std::map<std::string, std::string> torn_;     // files left out -> the import they lack
  bool started_ = false, complete_ = false;
};

}  // namespace lgen
