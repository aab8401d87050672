// Integers beyond 2^53 are put together of two halves, since a double would round them.
#include "fitted_values.h"

#include <fmt/format.h>

#include "script_text.h"

namespace lgen::cli {
namespace {

constexpr std::string_view kSource = R"(-- Template values as the fields' types: what does not fit ends the run.
local fit = {}
local largest = { positive = "9223372036854775807", negative = "9223372036854775808", unsigned = "18446744073709551615" }
local billion = { positive = 1000000000LL, negative = -1000000000LL, unsigned = 1000000000ULL }

local function refuse(path, kind, text)
  error(("--data: %s: '%s' is no %s"):format(path, text, kind), 0)
end

-- All digits of an integer that a number cannot hold.
local function wide(sign, digits, unsigned)
  local which = unsigned and "unsigned" or sign == "-" and "negative" or "positive"
  local limit = largest[which]
  if unsigned and sign == "-" or #digits > #limit or #digits == #limit and digits > limit then return nil end
  local low = tonumber(digits:sub(-9))
  return tonumber(digits:sub(1, -10)) * billion[which] + (which == "negative" and -low or low)
end

function fit.real(path, kind, text)
  text = tostring(text)
  if text == "NaN" then return 0 / 0 end
  if text == "Infinity" then return math.huge end
  if text == "-Infinity" then return -math.huge end
  return text:find "^-?%d[%d.eE+-]*$" and tonumber(text) or refuse(path, kind, text)
end

function fit.integer(path, kind, text)
  text = tostring(text)
  local number = fit.real(path, kind, text)
  if number % 1 ~= 0 then refuse(path, kind, text) end
  if math.abs(number) < 2 ^ 53 then return number end
  local sign, digits = text:match "^(-?)0*(%d+)$"
  return digits and kind:find "64" and wide(sign, digits, kind == "uint64" or kind == "fixed64")
    or refuse(path, kind, text)
end

function fit.boolean(path, kind, text)
  if text ~= "true" and text ~= "false" then refuse(path, kind, text) end
  return text == "true"
end

function fit.bytes(path, kind, text)
  return lgen.crypto.base64_decode(tostring(text)) or refuse(path, kind .. " in base64", text)
end
)";

std::string_view reader_of(FieldKind kind) {
  if (kind == FieldKind::boolean) return "boolean";
  if (kind == FieldKind::bytes) return "bytes";
  return kind == FieldKind::double_ || kind == FieldKind::float_ ? "real" : "integer";
}

}  // namespace

std::string_view fitted_values_source() { return kSource; }

std::string fitted_value(FieldKind kind, std::string_view path, std::string_view text) {
  return fmt::format("fit.{}({}, {}, {})", reader_of(kind), lua_string(path), lua_string(to_string(kind)), text);
}

}  // namespace lgen::cli
