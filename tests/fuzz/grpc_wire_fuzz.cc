// Any bytes into the reassembly of gRPC messages, in any pieces, with and without a limit; then as header texts.
//
// What must hold: nothing crashes and no sanitizer speaks. The pieces do not matter: what comes out equals what one
// feed of everything gives. Messages and what is left add up to what went in, and framing them again gives the same
// bytes.
//
// Built by clang from the few sources that are needed (CMakeLists.txt beside this file).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "grpc_answer.h"
#include "grpc_wire.h"
#include "lgen/base64.h"

namespace {

using namespace lgen;
using Next = MessageAssembly::Next;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "grpc_wire_fuzz: %s\n", what);
  std::abort();
}

struct Read {
  std::vector<std::string> messages;
  std::string framed;
  std::size_t left = 0;
  Next end = Next::more;
};

Read read_in_pieces(std::string_view bytes, std::size_t step, std::optional<std::uint64_t> limit) {
  Read read;
  MessageAssembly assembly;
  assembly.set_limit(limit);
  for (std::size_t at = 0; at < bytes.size() && read.end == Next::more; at += step) {
    assembly.feed(bytes.substr(at, step));
    MessageAssembly::Message message;
    while ((read.end = assembly.next(message)) == Next::message) {
      expect(!limit || message.bytes.size() <= *limit, "a message is over the limit");
      read.messages.emplace_back(message.bytes);
      append_message(read.framed, message.bytes, message.packed);
    }
    expect(assembly.has_next() == (read.end != Next::more), "has_next() and next() do not agree");
  }
  read.left = assembly.held();
  return read;
}

void check_framing(std::string_view bytes, std::size_t step, std::optional<std::uint64_t> limit) {
  const Read whole = read_in_pieces(bytes, std::max<std::size_t>(bytes.size(), 1), limit);
  const Read pieces = read_in_pieces(bytes, step, limit);
  expect(whole.messages == pieces.messages, "the pieces matter");
  expect(whole.end == pieces.end, "the pieces matter for the end");
  expect(bytes.starts_with(whole.framed), "framing gives other bytes");
  expect(whole.framed.size() + whole.left == bytes.size(), "bytes are missing");
}

void check_texts(std::string_view text) {
  expect(percent_decode_message(text).size() <= text.size(), "decoding has made text longer");
  if (const auto decoded = from_base64(text)) expect(from_base64(to_base64(*decoded)) == decoded, "base64");
  for (const Base64 form : {Base64::padded, Base64::unpadded, Base64::url}) {
    expect(from_base64(to_base64(text, form)) == std::string(text), "base64 of these bytes");
  }
  (void)code_of_text(text);
}

/// Pairs of lines as one block of headers and one of trailers.
void check_answer(std::string_view text) {
  GrpcAnswer answer;
  std::size_t given = 0;
  for (const bool end : {false, true}) {
    H2Block block;
    while (!text.empty() && text[0] != '\n') {
      const std::string_view line = text.substr(0, text.find('\n'));
      const std::size_t colon = line.find(':', 1);
      block.fields.push_back({line.substr(0, colon), colon == std::string_view::npos ? "" : line.substr(colon + 1)});
      block.size += line.size() + 32;
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      ++given;
    }
    if (!text.empty()) text.remove_prefix(1);
    answer.take(block, end);
  }
  expect(answer.headers().size() + answer.trailers().size() <= given, "fields out of nowhere");
  (void)answer.status();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t step = std::size_t{data[0]} % 64 + 1;
  check_framing(bytes, step, std::nullopt);
  check_framing(bytes, step, data[1]);
  check_texts(bytes);
  check_answer(bytes);
  return 0;
}
