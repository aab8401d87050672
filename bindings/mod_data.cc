// lgen.data: rows of CSV, JSON and text files, read while the plan loads and held in C++. A row becomes a Lua table, a
// new one each time, when it is asked for.
//
// :next() deals the rows out to all VUs of the process in the order of the file; of several ranks, rank r of n takes
// the rows r, r + n, r + 2n ..., as it takes arrivals.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "data_files.h"
#include "data_set.h"
#include "host.h"
#include "lgen/units.h"
#include "mod_json.h"
#include "modules.h"
#include "stack.h"
#include "vu_lua.h"
#include "wide_integer.h"

namespace lgen::lua {
namespace {

enum class OnEnd { wrap, stop, error };

struct DataHandle {
  static constexpr ObjectType kType{"lgen.Data"};
  std::unique_ptr<DataSet> set;
  std::string what;  // `lgen.data.csv "users.csv"`
  bool plain;        // a row is a string, not a table
  OnEnd on_end = OnEnd::wrap;
  std::vector<bool> secret;   // by column
  std::uint64_t taken = 0;    // by :next(), of this rank
  int metatable = LUA_NOREF;  // of rows, in the registry
};

constexpr Key kOnEnd = {"on_end", "\"wrap\"|\"stop\"|\"error\"",
                        "when :next() has given the last row: begin again (default), end the scenario as lgen.stop "
                        "does, or raise"};
constexpr Key kSecretColumns = {"secret", "boolean|string[]",
                                "columns (true: all) whose values lgen prints nowhere; *** instead"};

constexpr Key kCsvKeys[] = {
    kOnEnd,
    kSecretColumns,
    {"columns", "string[]", "names of the columns, for a file whose first row is data already"},
    {"delimiter", "string", "between values, default \",\"; \"\\t\" for TSV"},
};
constexpr Key kJsonKeys[] = {kOnEnd, kSecretColumns};
constexpr Key kLineKeys[] = {kOnEnd, {"secret", "boolean", "lgen prints no line of it; *** instead"}};
constexpr KeySet kDataOptions[] = {
    {"lgen.CsvOptions", kCsvKeys}, {"lgen.JsonDataOptions", kJsonKeys}, {"lgen.LinesOptions", kLineKeys}};

/// Raises for a column that no row has; a known one is only absent from this row. Upvalue: {[column] = true}.
int absent_column(lua_State* L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  lua_rawget(L, lua_upvalueindex(1));
  if (lua_toboolean(L, -1)) return 0;
  const std::string name = lua_type(L, 2) == LUA_TSTRING ? std::string(to_view(L, 2)) : describe(L, 2);
  std::vector<std::string> known;
  lua_pushnil(L);
  while (lua_next(L, lua_upvalueindex(1))) {
    lua_pop(L, 1);
    known.emplace_back(to_view(L, -1));
  }
  std::sort(known.begin(), known.end());
  const std::string_view guess = did_you_mean(name, known);
  raise(L, fmt::format("the row has no column '{}' ({})", name,
                       guess.empty() ? fmt::format("it has: {}", fmt::join(known, ", "))
                                     : fmt::format("did you mean '{}'?", guess)));
}

int make_row_metatable(lua_State* L, const DataSet& set) {
  lua_createtable(L, 0, 1);
  lua_createtable(L, 0, static_cast<int>(set.columns().size()));
  for (const std::string& column : set.columns()) {
    push(L, column);
    lua_pushboolean(L, 1);
    lua_rawset(L, -3);
  }
  lua_pushcclosure(L, absent_column, 1);
  lua_setfield(L, -2, "__index");
  return luaL_ref(L, LUA_REGISTRYINDEX);
}

template <class T>
T value_in(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

void push_cell(lua_State* L, const Cell& cell) {
  switch (cell.kind) {
    case CellKind::text:
      return push(L, cell.bytes);
    case CellKind::number:
      return lua_pushnumber(L, value_in<double>(cell.bytes));
    case CellKind::integer:
      return push_integer(L, value_in<std::int64_t>(cell.bytes));
    case CellKind::natural:
      return push_integer(L, value_in<std::uint64_t>(cell.bytes));
    case CellKind::yes:
    case CellKind::no:
      return lua_pushboolean(L, cell.kind == CellKind::yes);
    case CellKind::json:
      return push_json_text(L, cell.bytes);
  }
}

/// The number as Lua prints it: what could end up in a text.
std::string text_of(const Cell& cell) {
  if (cell.kind == CellKind::number) return fmt::format("{:.14g}", value_in<double>(cell.bytes));
  if (cell.kind == CellKind::integer) return fmt::format("{}", value_in<std::int64_t>(cell.bytes));
  if (cell.kind == CellKind::natural) return fmt::format("{}", value_in<std::uint64_t>(cell.bytes));
  return std::string(cell.bytes);
}

/// Pushes row `index`, 0 the first, as plans see it.
int push_row(lua_State* L, const DataHandle& data, std::uint64_t index) {
  const DataSet& set = *data.set;
  Host& host = host_of(L);
  if (!data.plain) lua_createtable(L, 0, static_cast<int>(std::min<std::size_t>(set.columns().size(), 64)));
  set.each(index, [&](const Cell& cell) {
    if (data.secret[cell.column]) host.keep_secret(text_of(cell));
    if (!data.plain) push(L, set.columns()[cell.column]);
    push_cell(L, cell);
    if (!data.plain) lua_rawset(L, -3);
  });
  if (data.plain) return 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, data.metatable);
  lua_setmetatable(L, -2);
  return 1;
}

OnEnd read_on_end(lua_State* L, std::string_view what) {
  constexpr std::string_view kWords[] = {"wrap", "stop", "error"};
  const auto word = string_field(L, 2, "on_end", what);
  if (!word) return OnEnd::wrap;
  const auto at = std::find(std::begin(kWords), std::end(kWords), *word);
  if (at != std::end(kWords)) return static_cast<OnEnd>(at - std::begin(kWords));
  const std::string_view guess = did_you_mean(*word, kWords);
  raise(L, fmt::format("{}: on_end: '{}' is none of wrap, stop and error{}", what, *word,
                       guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess)));
}

/// By column; raises on a name the file has not.
std::vector<bool> read_secret(lua_State* L, const DataHandle& data) {
  const std::vector<std::string>& columns = data.set->columns();
  std::vector<bool> secret(columns.size());
  if (lua_isnoneornil(L, 2) || !get_field(L, 2, "secret")) return secret;
  const bool listed = lua_type(L, -1) == LUA_TTABLE;
  lua_pop(L, 1);
  if (!listed || data.plain) {
    secret.assign(columns.size(), boolean_field(L, 2, "secret", data.what).value_or(false));
    return secret;
  }
  for (const std::string& name : string_list_field(L, 2, "secret", data.what)) {
    const auto at = std::find(columns.begin(), columns.end(), name);
    if (at == columns.end()) {
      const std::string_view guess = did_you_mean(name, columns);
      raise(L, fmt::format("{}: secret: no column '{}' ({})", data.what, name,
                           guess.empty() ? fmt::format("it has: {}", fmt::join(columns, ", "))
                                         : fmt::format("did you mean '{}'?", guess)));
    }
    secret[static_cast<std::size_t>(at - columns.begin())] = true;
  }
  return secret;
}

/// The four steps of all three: arguments, file, rest of the options, object. `read(path, what)` gives the rows.
template <class Read>
int load_data(lua_State* L, std::string_view function, const KeySet& keys, bool plain, Read read) {
  Host& host = host_of(L);
  host.only_at_load(L, function);
  const std::string_view name = check_string(L, 1, fmt::format("{}: path", function));
  DataHandle data{.set = {}, .what = fmt::format("{} \"{}\"", function, name), .plain = plain, .secret = {}};
  if (!lua_isnoneornil(L, 2)) {
    check_options(L, 2, data.what, keys);
    data.on_end = read_on_end(L, data.what);
  }
  const std::filesystem::path path = std::filesystem::path(host.input.path).parent_path() / name;
  Result<DataSet> set = read(path.string(), data.what);
  if (!set) raise(L, fmt::format("{}: {}", function, set.error().message));
  data.set = std::make_unique<DataSet>(*std::move(set));
  data.secret = read_secret(L, data);
  if (!plain) data.metatable = make_row_metatable(L, *data.set);
  push_object<DataHandle>(L, std::move(data));
  return 1;
}

CsvFormat read_format(lua_State* L, std::string_view what) {
  CsvFormat format;
  if (lua_isnoneornil(L, 2)) return format;
  format.columns = string_list_field(L, 2, "columns", what);
  const std::string delimiter = string_field(L, 2, "delimiter", what).value_or(",");
  if (delimiter.size() != 1 || std::strchr("\"\r\n", delimiter[0])) {
    raise(L, fmt::format("{}: delimiter: one character expected, and no quote or line end", what));
  }
  format.delimiter = delimiter[0];
  return format;
}

int csv(lua_State* L) {
  return load_data(L, "lgen.data.csv", kDataOptions[0], false, [L](const std::string& path, std::string_view what) {
    return read_csv(path, read_format(L, what));
  });
}

int json(lua_State* L) {
  return load_data(L, "lgen.data.json", kDataOptions[1], false,
                   [](const std::string& path, std::string_view) { return read_json(path); });
}

int lines(lua_State* L) {
  return load_data(L, "lgen.data.lines", kDataOptions[2], true,
                   [](const std::string& path, std::string_view) { return read_lines(path); });
}

std::string count_of(const DataSet& set) {
  return set.size() == 1 ? "the one row is used" : fmt::format("all {} rows are used", set.size());
}

/// :next() behind the last row, unless it begins again.
[[noreturn]] void raise_end(lua_State* L, const DataHandle& data) {
  Host& host = host_of(L);
  Task* task = host.current;
  if (data.on_end == OnEnd::error) raise(L, fmt::format("{}: {}", data.what, count_of(*data.set)));
  if (!task || !task->vu() || task->vu()->iter() == 0) {
    raise(L, fmt::format("{}: {}; on_end = \"stop\" ends a scenario from inside run alone", data.what,
                         count_of(*data.set)));
  }
  (void)host.runner->stop_scenario(task->vu()->scenario());
  task->root().cancel();
  task->raise_if_cancelled(L);
  __builtin_unreachable();
}

int next_row(lua_State* L) {
  auto& data = check_object<DataHandle>(L, 1, "data:next");
  const Slice& slice = host_of(L).input.slice;
  const std::uint64_t size = data.set->size(), row = slice.index + data.taken * slice.count;
  if (data.on_end != OnEnd::wrap && row >= size) raise_end(L, data);
  ++data.taken;
  return push_row(L, data, row % size);
}

int random_row(lua_State* L) {
  auto& data = check_object<DataHandle>(L, 1, "data:random");
  const auto last = static_cast<std::int64_t>(data.set->size()) - 1;
  return push_row(L, data, static_cast<std::uint64_t>(host_of(L).random().integer(0, last)));
}

int row_at(lua_State* L) {
  auto& data = check_object<DataHandle>(L, 1, "data:at");
  const std::int64_t i = check_integer(L, 2, "data:at", 1, static_cast<std::int64_t>(data.set->size()));
  return push_row(L, data, static_cast<std::uint64_t>(i) - 1);
}

int row_for_vu(lua_State* L) {
  auto& data = check_object<DataHandle>(L, 1, "data:for_vu");
  check_table(L, 2, "data:for_vu");
  const LuaVu* vu = LuaVu::of_table(L, 2);
  if (!vu) raise(L, "data:for_vu: the vu expected that vu_start, run and vu_stop get");
  const std::uint64_t size = data.set->size(), index = vu->id() - 1;
  if (data.on_end != OnEnd::wrap && index >= size) {
    raise(L, fmt::format("{}: no row for virtual user {}: there are {}", data.what, vu->id(), size));
  }
  return push_row(L, data, index % size);
}

int row_count(lua_State* L) {
  lua_pushnumber(L, static_cast<double>(check_object<DataHandle>(L, 1, "#data").set->size()));
  return 1;
}

int data_text(lua_State* L) {
  const auto& data = check_object<DataHandle>(L, 1, "tostring");
  push(L, fmt::format("{} ({} rows)", data.what, data.set->size()));
  return 1;
}

constexpr Binding kFunctions[] = {
    {"csv", csv, "fun(path: string, o?: lgen.CsvOptions): lgen.Data",
     "[R] CSV (RFC 4180), its first row the names of the columns; all values are strings."},
    {"json", json, "fun(path: string, o?: lgen.JsonDataOptions): lgen.Data",
     "[R] An array of objects, or an object a line; a null is an absent value."},
    {"lines", lines, "fun(path: string, o?: lgen.LinesOptions): lgen.Data",
     "[R] Lines of text; a row is the line as a string, without its end."},
};

constexpr Binding kMethods[] = {
    {"next", next_row, "fun(self: lgen.Data): any",
     "[R] The next row; all VUs of the process take from one sequence. See on_end."},
    {"random", random_row, "fun(self: lgen.Data): any", "[R] Any row, each as likely, from the task's random stream."},
    {"at", row_at, "fun(self: lgen.Data, i: integer): any", "[R] Row i of 1..#data."},
    {"for_vu", row_for_vu, "fun(self: lgen.Data, vu: lgen.Vu): any",
     "[R] The VU's own row, by vu.id; VUs beyond the last row share, unless on_end is stop or error: then it raises."},
};

}  // namespace

const Module kDataModule{.name = "lgen.data",
                         .doc = "Test data: files beside the plan, read while it loads and held outside of Lua.",
                         .bindings = kFunctions,
                         .option_tables = kDataOptions};
const Module kDataClass{.name = "lgen.Data",
                        .doc = "Rows of a file; #data is how many. A row is a new table each time, by column.",
                        .bindings = kMethods,
                        .object = &DataHandle::kType,
                        .collect = collect_object<DataHandle>,
                        .length = row_count,
                        .tostring = data_text};

}  // namespace lgen::lua
