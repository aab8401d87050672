// Options as Go's flag package takes them: any name with one dash or two, a switch also as -name=false.
// Thread: pure function.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "commands.h"
#include "lgen/error.h"

namespace lgen::cli {

enum class OneDash {
  always,      // grpcurl's: every word with a dash is a long name, letters are aliases
  known_names  // a dash and a whole name mean that name, else letters
};

/// Rewrites what `rows` and `aliases` know to "--name" and "--name=value"; leaves everything else as it is. Fails where
/// the rewritten word would be complained about, which nobody has typed: with `always` a long name that is not known,
/// behind one dash; an option without its value.
Result<std::vector<std::string>> double_dashes(const std::vector<const OptionRow*>& rows,
                                               std::span<const OptionAlias> aliases,
                                               const std::vector<std::string>& args, OneDash one_dash);

}  // namespace lgen::cli
