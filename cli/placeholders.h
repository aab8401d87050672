// The template values that may stand in data and metadata of `lgen bench`, with ghz's names: {{.RequestNumber}},
// {{randomInt 1 10}}. Each becomes a Lua expression, once, before the run.
// Thread: pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lgen/error.h"
#include "lgen/schema.h"

namespace lgen::cli {

/// In the expressions `number` is the call's number from 0, `vu` the virtual user, `lgen` the module.
struct Placeholder {
  std::string expression;    // gives a text, or a number that may be joined with texts
  std::string number;        // gives a number; "" where the value is none
  std::string example;       // a text that it may give; "" where they have nothing in common
  std::string written = {};  // as the user has it, with the braces
};

/// What a placeholder may ask about the method.
struct MethodFacts {
  std::string full_name, service, method, input, output;
  bool client_streams = false, server_streams = false;
};
MethodFacts facts_of(const MethodInfo& method);

/// `inside`: what stands between the braces. Fails on names and arguments it does not know.
Result<Placeholder> compile_placeholder(std::string_view inside, const MethodFacts& facts);

/// JSON text in which every {{...}} has become a mark that JSON can hold. A bare value becomes a string, together with
/// the digits beside it.
struct MarkedJson {
  std::string json;
  std::vector<Placeholder> placeholders;
};
Result<MarkedJson> mark_placeholders(std::string_view text, const MethodFacts& facts);

/// A piece of a marked string: a text as it is, or a placeholder.
struct Piece {
  std::string text;
  const Placeholder* placeholder = nullptr;
};
/// The string as the user has written it, for messages.
std::string as_written(std::string_view marked, const std::vector<Placeholder>& placeholders);
/// The string with an example for each value; nothing when one of them has none.
std::optional<std::string> example_of(const std::vector<Piece>& pieces);
/// Whether it stood outside quotes in the JSON, as a number does: {"n": {{randomInt 1 3}}.5}
bool was_bare(std::string_view marked);
/// Whether `marked` has any.
bool has_placeholder(std::string_view marked);
std::vector<Piece> pieces_of(std::string_view marked, const std::vector<Placeholder>& placeholders);

}  // namespace lgen::cli
