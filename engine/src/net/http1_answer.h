// The bytes of an answer.
// Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "lgen/http_server.h"

namespace lgen {

/// What an answer's head depends on beside the answer.
struct AnswerManner {
  bool http_1_0 = false;
  bool keep_alive = true;
  bool head_only = false;  // a HEAD's: Content-Length without the body
  bool accepts_gzip = false;
};

/// Whole: head and body, packed if that is wanted and worth it.
std::string write_answer(const HttpAnswer& answer, const AnswerManner& manner, std::size_t gzip_from);
/// The head of an answer that stays open, in chunks or, for HTTP/1.0, until the connection ends.
std::string write_stream_head(const HttpAnswer& answer, const AnswerManner& manner);
/// One chunk of such an answer; an empty one ends it.
std::string write_chunk(std::string_view bytes, bool http_1_0);

/// Whether an Accept-Encoding header takes gzip.
bool accepts_gzip(const HttpHeadersView& headers);

}  // namespace lgen
