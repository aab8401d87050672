#include "lgen/text.h"

#include "catch.h"

using namespace lgen;

TEST_CASE("width counts columns, not bytes") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("✓ ok") == 4);
  CHECK(display_width("日本") == 4);
  CHECK(display_width("e\xCC\x81") == 1);
  CHECK(display_width("\xff\xfe") == 2);
}

TEST_CASE("text is made printable whatever it holds") {
  CHECK(printable("a\nb\tc\rd") == "a b c d");
  CHECK(printable("\x1b[0m") == "?[0m");
  CHECK(printable("\xc0\xaf") == "\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(printable("\xed\xa0\x80") == "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  CHECK(printable("caf\xC3\xA9") == "caf\xC3\xA9");
  CHECK(printable("\xE2\x80\xAE"
                  "evil") == "?evil");
}

TEST_CASE("clip shows what it cut") {
  CHECK(clip("abcdef", 6) == "abcdef");
  CHECK(clip("abcdef", 4) == "abc…");
  CHECK(clip("日本語", 4) == "日…");
  CHECK(clip("abc", 0).empty());
}

TEST_CASE("wrap breaks at blanks, and inside a word only when it must") {
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("abcdefgh ij", 4) == std::vector<std::string>{"abcd", "efgh", "ij"});
  CHECK(wrap("", 10).empty());
  CHECK(wrap("日本語", 1) == std::vector<std::string>{"日", "本", "語"});
}

TEST_CASE("a page cuts lines to its width and takes trailing blanks off, across spans too") {
  Page page(8, false);
  page.line({"ab", "  ", Span("   ", Tone::bold)});
  page.line({"abcdef", Span("ghij", Tone::bold), "k"});
  CHECK(page.text() == "ab\nabcdefg…\n");
}

TEST_CASE("an item's further lines stand under its text") {
  Page page(20, false);
  page.item({"  x: "}, "one two three four five");
  CHECK(page.text() == "  x: one two three\n     four five\n");
}

TEST_CASE("a table that is too wide takes the room from its first column") {
  TextTable table({"name", "count"});
  table.row({"a rather long name", "1"});
  Page page(20, false);
  table.print(page, 0, 2);
  CHECK(page.text() == "name           count\na rather lon…      1\n");
}
