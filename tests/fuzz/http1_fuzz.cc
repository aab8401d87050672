// Any bytes as answers over HTTP/1.1. The first byte says how they come: in which pieces, answering a HEAD or not,
// unpacked or not. What must hold: nothing crashes, limits are kept, views lie in what the parser has, and the same
// bytes in other pieces are the same answers.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "http1_parser.h"

namespace {

using namespace lgen;

constexpr Http1Parser::Limits kLimits{.head = 500, .body = 1000};

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "http1_fuzz: %s\n", what);
  std::abort();
}

struct Answer {
  int status = 0;
  HttpHeaders headers;
  std::string body;
  bool keep_alive = false, complete = false;
  bool operator==(const Answer&) const = default;
};

struct Reading {
  std::vector<Answer> answers;
  bool faulty = false;
  bool operator==(const Reading&) const = default;
};

Answer answer_of(const Http1Parser& parser) {
  expect(parser.body().size() <= kLimits.body, "more body than allowed");
  Answer answer{.status = parser.status(),
                .headers = {parser.headers().begin(), parser.headers().end()},
                .body = std::string(parser.body()),
                .keep_alive = parser.keep_alive(),
                .complete = parser.complete()};
  std::size_t size = 0;
  for (const auto& [name, value] : answer.headers) {
    size += name.size() + value.size();
    expect(std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; }), "a name in upper case");
  }
  expect(size <= kLimits.head, "more headers than allowed");
  return answer;
}

/// All answers in `bytes`, given in pieces of `piece` bytes.
Reading read(std::string_view bytes, std::size_t piece, bool head, bool unpack) {
  Http1Parser parser(Http1Parser::Kind::response, kLimits);
  parser.unpack(unpack);
  if (head) parser.expect_no_body();
  Reading outcome;
  while (!bytes.empty()) {
    const std::string_view next = bytes.substr(0, piece);
    const std::size_t taken = parser.feed(next);
    expect(taken <= next.size(), "more taken than given");
    outcome.faulty = parser.fault() != Http1Parser::Fault::none;
    if (outcome.faulty) {
      expect(!parser.fault_text().empty(), "a fault without words");
      expect(parser.feed(next) == 0, "something taken after a fault");
      return outcome;
    }
    bytes.remove_prefix(parser.complete() ? taken : next.size());
    if (!parser.complete()) continue;
    outcome.answers.push_back(answer_of(parser));
    if (!parser.keep_alive()) return outcome;
    parser.next();
    if (head) parser.expect_no_body();
  }
  if (parser.finish()) outcome.answers.push_back(answer_of(parser));
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const bool head = (data[0] & 1) != 0, unpack = (data[0] & 2) != 0;
  const Reading whole = read(bytes, bytes.size() + 1, head, unpack);
  const Reading pieces = read(bytes, 1 + (data[0] >> 2), head, unpack);
  // A fault may be found earlier in pieces, but never changes what has come before.
  const std::size_t both = std::min(whole.answers.size(), pieces.answers.size());
  expect(std::equal(whole.answers.begin(), whole.answers.begin() + static_cast<std::ptrdiff_t>(both),
                    pieces.answers.begin()),
         "other answers in other pieces");
  if (!whole.faulty && !pieces.faulty) expect(whole == pieces, "more answers in other pieces");
  return 0;
}
