// Reads data files: CSV as RFC 4180 has it, JSON (an array of objects, or an object a line), plain lines.
// Thread: pure of anything but the file.
// Errors are ready to print, "users.csv:7: what", and never show a value of the file: it may be a secret.
#pragma once

#include <string>
#include <vector>

#include "data_set.h"
#include "lgen/error.h"

namespace lgen::lua {

struct CsvFormat {
  char delimiter = ',';
  std::vector<std::string> columns;  // empty: the first row names them
};

/// Every row has all columns, as texts. Empty lines are no rows. LF and CRLF end a row; quoted values may have both.
Result<DataSet> read_csv(const std::string& path, const CsvFormat& format);

/// A row for each object; a null is an absent value, arrays and objects in it stay JSON.
Result<DataSet> read_json(const std::string& path);

/// A row of one value, in the column "", for each line.
Result<DataSet> read_lines(const std::string& path);

}  // namespace lgen::lua
