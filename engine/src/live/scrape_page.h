// An HTTP answer as a page of metrics, or why it is none.
// Thread: pure functions.
#pragma once

#include <memory>
#include <string>

#include "lgen/error.h"
#include "lgen/exposition.h"
#include "lgen/http.h"

namespace lgen {

/// Answers but 200 and failures as errors that name the address. The body of a 200.
Result<std::string> body_of(const HttpResult& result, const std::string& url);

Result<std::shared_ptr<const MetricsPage>> read_page(const HttpResult& result, const std::string& url);

/// `url` without user and password.
std::string shown(const std::string& url);

}  // namespace lgen
