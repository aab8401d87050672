// What makes a template value fit a field that is no text: the functions of a bench plan that read a filled text as
// JSON reads it, and raise where it is no such value. Thread: pure functions.
#pragma once

#include <string>
#include <string_view>

#include "lgen/message_plan.h"

namespace lgen::cli {

/// Source of the local table `fit`; a plan that uses fitted_value() needs it.
std::string_view fitted_values_source();

/// An expression for the field at `path` from one that makes a text or a number. Texts fit strings, enums, timestamps
/// and durations as they are: the codec reads them.
std::string fitted_value(FieldKind kind, std::string_view path, std::string_view text);

}  // namespace lgen::cli
