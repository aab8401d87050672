// The words behind a command's name, sorted by an option table.
// Thread: pure function; values.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/settings.h"

namespace lgen::cli {

struct Words {
  std::map<std::string, std::vector<std::string>, std::less<>> options;  // by long name; a switch has one empty value
  std::vector<std::string> operands;                                     // in order
  std::vector<std::string> rest;                                         // a plan's own options, in order
  bool help = false;                                                     // --help or -h

  bool has(std::string_view name) const { return options.find(name) != options.end(); }
  /// The last value given; nothing given: `fallback`.
  std::string text(std::string_view name, std::string_view fallback = "") const;
  /// Every value given, in order.
  std::vector<std::string> all(std::string_view name) const;
};

enum class UnknownOptions { refused, after_first_operand };

/// Sorts `args` by `rows`. With `after_first_operand` whatever is not known behind the first operand lands in `rest`.
Result<Words> sort_words(const std::vector<const OptionRow*>& rows, std::vector<std::string> args,
                         UnknownOptions unknown);

/// The same without the options of `rows`.
Words without(Words words, std::span<const OptionRow> rows);

/// "a,b" and "c" -> a, b, c.
std::vector<std::string> split_commas(const std::vector<std::string>& texts);

bool may_have_value(const OptionRow& row);
bool needs_value(const OptionRow& row);

}  // namespace lgen::cli
