// Message framing and texts of gRPC over HTTP/2, without a connection.
#include "grpc_wire.h"

#include <vector>

#include "catch.h"
#include "grpc_answer.h"

using namespace lgen;
using namespace std::chrono_literals;

TEST_CASE("messages come whole, wherever the pieces end") {
  std::string bytes;
  append_message(bytes, "first");
  append_message(bytes, "");
  append_message(bytes, std::string(300, 'x'), true);
  for (std::size_t step = 1; step <= bytes.size(); step += step < 20 ? 1 : 37) {
    MessageAssembly assembly;
    std::vector<std::string> messages;
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      assembly.feed(std::string_view(bytes).substr(at, step));
      MessageAssembly::Message message;
      while (assembly.next(message) == MessageAssembly::Next::message) {
        messages.emplace_back(message.bytes);
        CHECK(message.packed == (messages.size() == 3));
      }
    }
    CHECK(messages == std::vector<std::string>{"first", "", std::string(300, 'x')});
    CHECK(assembly.empty());
  }
}

TEST_CASE("a message over the limit is told by its prefix, a prefix that is none at once") {
  MessageAssembly assembly;
  MessageAssembly::Message message;
  assembly.set_limit(10);
  assembly.feed({"\0\0\0\0\x0b", 5});
  CHECK(assembly.next(message) == MessageAssembly::Next::too_large);
  CHECK(assembly.announced() == 11);
  CHECK(assembly.has_next());
  assembly.reset(0);
  assembly.feed("HTTP/1.1");
  CHECK(assembly.next(message) == MessageAssembly::Next::malformed);
}

TEST_CASE("a timeout is at most eight digits and a unit, never shorter than asked") {
  struct Row {
    Duration timeout;
    const char* text;
  };
  const Row rows[] = {{1ns, "1n"},
                      {0ns, "1n"},
                      {99'999'999ns, "99999999n"},
                      {100'000'000ns, "100000u"},
                      {100'000'001ns, "100001u"},
                      {1s, "1000000u"},
                      {99s, "99000000u"},
                      {100s, "100000m"},
                      {24h, "86400000m"},
                      {28h, "100800S"},
                      {Duration::max(), "153722868M"}};
  for (const Row& row : rows) {
    const std::string text = timeout_text(row.timeout);
    INFO(text);
    if (row.timeout != Duration::max()) CHECK(text == row.text);
    CHECK(text.size() <= 9);
  }
  CHECK(timeout_text(Duration::max()) == "2562048H");
}

TEST_CASE("a percent-encoded message is decoded, a broken escape stays") {
  CHECK(percent_decode_message("a%20b%25%C3%A4") == "a b%\xc3\xa4");
  CHECK(percent_decode_message("100%") == "100%");
  CHECK(percent_decode_message("%4") == "%4");
  CHECK(percent_decode_message("%zz%41") == "%zzA");
}

TEST_CASE("HTTP statuses and resets stand for the codes that gRPC gives them") {
  const std::pair<int, GrpcCode> statuses[] = {
      {400, GrpcCode::internal},      {401, GrpcCode::unauthenticated}, {403, GrpcCode::permission_denied},
      {404, GrpcCode::unimplemented}, {429, GrpcCode::unavailable},     {502, GrpcCode::unavailable},
      {503, GrpcCode::unavailable},   {504, GrpcCode::unavailable},     {200, GrpcCode::unknown},
      {302, GrpcCode::unknown},       {500, GrpcCode::unknown}};
  for (const auto& [status, code] : statuses) CHECK(code_of_http_status(status) == code);
  const std::pair<std::uint32_t, GrpcCode> resets[] = {
      {7, GrpcCode::unavailable},        {8, GrpcCode::cancelled}, {11, GrpcCode::resource_exhausted},
      {12, GrpcCode::permission_denied}, {0, GrpcCode::internal},  {1, GrpcCode::internal},
      {99, GrpcCode::internal}};
  for (const auto& [error, code] : resets) CHECK(code_of_reset(error) == code);
  CHECK(code_of_text("5") == GrpcCode::not_found);
  for (const char* odd : {"", "17", "-1", "x", "5x"}) CHECK(code_of_text(odd) == GrpcCode::unknown);
}

TEST_CASE("content types of gRPC are told from others") {
  for (const char* type : {"application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"}) {
    CHECK(is_grpc_content_type(type));
  }
  for (const char* type : {"", "text/html", "application/grpc-web", "application/json"}) {
    CHECK_FALSE(is_grpc_content_type(type));
  }
}

namespace {

H2Block block_of(std::vector<H2Field> fields) {
  H2Block block;
  for (const H2Field& field : fields) block.size += field.name.size() + field.value.size() + 32;
  block.fields = std::move(fields);
  return block;
}

}  // namespace

TEST_CASE("of an answer plans see what the server's own code has said") {
  GrpcAnswer answer;
  H2Block early = block_of({{":status", "103"}, {"link", "early"}});
  CHECK(answer.take(early, false));
  CHECK_FALSE(answer.begun());
  H2Block headers = block_of({{":status", "200"},
                              {"content-type", "application/grpc"},
                              {"grpc-encoding", "gzip"},
                              {"x-backend", "pod-1"},
                              {"raw-bin", "AP8"}});
  CHECK(answer.take(headers, false));
  CHECK(answer.begun());
  CHECK_FALSE(answer.foreign());
  CHECK(answer.encoding() == GrpcEncoding::gzip);
  H2Block trailers = block_of({{"grpc-status", "5"}, {"grpc-message", "not%20here"}, {"x-end", "1"}});
  CHECK(answer.take(trailers, true));
  CHECK(answer.status().code == GrpcCode::not_found);
  CHECK(answer.status().message == "not here");
  CHECK(answer.headers() == MetadataView{{"x-backend", "pod-1"}, {"raw-bin", std::string_view("\0\xff", 2)}});
  CHECK(answer.trailers() == MetadataView{{"x-end", "1"}});
}

TEST_CASE(
    "answers that begin with the same block share what it says, and keep it when the next one says something else") {
  H2Block block = block_of({{":status", "200"}, {"x-backend", "pod-1"}});
  GrpcAnswer first, second, third;
  CHECK(first.take(block, false));
  CHECK(second.take(block, false));
  CHECK(&first.headers() == &second.headers());
  block.fields = {{":status", "200"}, {"x-backend", "pod-2"}};
  block.read = false;  // the room of the block is another one's now
  CHECK(third.take(block, false));
  CHECK(first.headers() == MetadataView{{"x-backend", "pod-1"}});
  CHECK(third.headers() == MetadataView{{"x-backend", "pod-2"}});
}

TEST_CASE("headers that would move a terminal's cursor are left out") {
  GrpcAnswer answer;
  H2Block block =
      block_of({{":status", "200"}, {"x-escape", "\x1b[2J"}, {"x\ry", "v"}, {"x-fine", "tab\tand \xc3\xa4"}});
  CHECK(answer.take(block, false));
  CHECK(answer.headers() == MetadataView{{"x-fine", "tab\tand \xc3\xa4"}});
}

TEST_CASE("headers without end are refused") {
  GrpcAnswer answer;
  const std::string value(1000, 'b');
  H2Block block = block_of({{"x-bomb", value}});
  int taken = 0;
  while (answer.take(block, false)) ++taken;
  CHECK(taken < 70);
  H2Block cut_off;
  cut_off.truncated = true;
  CHECK_FALSE(GrpcAnswer().take(cut_off, false));
}
