// An HTTP answer as a page of metrics, or why it is none.
// Thread: pure functions.
#pragma once

#include <memory>
#include <string>

#include "lgen/error.h"
#include "lgen/exposition.h"
#include "lgen/http.h"

namespace lgen {

using PageResult = Result<std::shared_ptr<const MetricsPage>>;

/// Answers but 200 and failures as errors that name the address. The body of a 200.
Result<std::string> body_of(const HttpResult& result, const std::string& url);

/// The same, but not of what cannot be a page.
Result<std::string> page_text(const HttpResult& result, const std::string& url);
/// Takes a tenth of a second for a page of 16 MB.
PageResult read_page(std::string text, const std::string& url);

/// `url` without user and password.
std::string shown(const std::string& url);

}  // namespace lgen
