#include "message_splitter.h"

#include <vector>

#include "catch.h"

namespace lgen::cli {
namespace {

using Texts = std::vector<std::string>;

Texts all(MessageSplitter& splitter) {
  Texts texts;
  while (const auto piece = splitter.next()) texts.push_back(piece->text);
  return texts;
}

TEST_CASE("JSON values in a row are cut where each of them ends") {
  const auto [input, pieces] = GENERATE(table<std::string, Texts>({
      {R"({"a":1}{"b":[{}]})", {R"({"a":1})", R"({"b":[{}]})"}},
      {"  {}\n\n {} ", {"{}", "{}"}},
      {R"({"a":"}\"{"} {})", {R"({"a":"}\"{"})", "{}"}},
      {R"("x" "y\\"1 true{})", {"\"x\"", "\"y\\\\\"", "1", "true", "{}"}},
      {"[1,2] 3", {"[1,2]", "3"}},
      {"}{}", {"}", "{}"}},
      {R"({"a")", {R"({"a")"}},
      {"", {}},
      {" \n", {}},
  }));
  CAPTURE(input);
  MessageSplitter whole(MessageFormat::json);
  whole.feed(input);
  whole.finish();
  CHECK(all(whole) == pieces);

  MessageSplitter dribble(MessageFormat::json);
  Texts texts;
  for (const char c : input) {
    dribble.feed(std::string(1, c));
    for (std::string& text : all(dribble)) texts.push_back(std::move(text));
  }
  dribble.finish();
  for (std::string& text : all(dribble)) texts.push_back(std::move(text));
  CHECK(texts == pieces);
}

TEST_CASE("a message is there as soon as its last bracket is") {
  MessageSplitter splitter(MessageFormat::json);
  splitter.feed("{\"a\": ");
  CHECK(!splitter.next());
  splitter.feed("1}");
  CHECK(splitter.next()->text == "{\"a\": 1}");
}

TEST_CASE("messages in the text format are separated by the character RS") {
  MessageSplitter splitter(MessageFormat::text);
  splitter.feed("a: 1\n\x1e\nb: 2");
  CHECK(splitter.next()->text == "a: 1\n");
  CHECK(!splitter.next());
  splitter.finish();
  CHECK(splitter.next()->text == "b: 2");
  CHECK(!splitter.next());
}

TEST_CASE("a message knows its number and its line") {
  MessageSplitter splitter(MessageFormat::json);
  splitter.feed("{}\n{\n}\n\n {}");
  for (const std::size_t line : {1, 2, 5}) CHECK(splitter.next()->line == line);
  splitter.feed("{}");
  CHECK(splitter.next()->number == 4);
}

}  // namespace
}  // namespace lgen::cli
