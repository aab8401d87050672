// Frames out of bytes, and a connection's streams by their identifiers.
#include "h2_frames.h"

#include <map>
#include <random>

#include "catch.h"
#include "h2_peer.h"
#include "h2_stream_table.h"

using namespace lgen;
using lgen::test::H2Peer;

namespace {

/// What came, DATA put together again.
std::vector<std::string> frames_in(std::string_view bytes, std::size_t step) {
  H2Frames frames;
  std::vector<std::string> found;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    std::string_view piece = bytes.substr(at, step);
    H2Part part;
    while (frames.next(piece, part)) {
      const H2Head& head = part.head;
      if (part.too_large) return found.emplace_back("too large"), found;
      if (part.first) found.push_back(std::to_string(head.type) + "/" + std::to_string(head.stream) + ":");
      found.back() += part.bytes;
      if (part.last) found.back() += ".";
    }
    CHECK(piece.empty());
  }
  return found;
}

struct Numbered {
  std::int32_t id;
  std::int32_t h2_id() const { return id; }
};

}  // namespace

TEST_CASE("in whatever pieces bytes come, the frames are the same") {
  const std::string bytes = H2Peer::frame(NGHTTP2_SETTINGS, 0, 0, "") + H2Peer::frame(NGHTTP2_HEADERS, 4, 1, "abc") +
                            H2Peer::frame(NGHTTP2_DATA, 0, 1, std::string(40, 'd')) +
                            H2Peer::frame(NGHTTP2_DATA, 1, 1, "") + H2Peer::frame(NGHTTP2_PING, 0, 0, "12345678") +
                            H2Peer::frame(0x77, 0, 0x7fffffff, "unknown");
  const std::vector<std::string> expected = {"4/0:.", "1/1:abc.",      "0/1:" + std::string(40, 'd') + ".",
                                             "0/1:.", "6/0:12345678.", "119/2147483647:unknown."};
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    INFO(step);
    CHECK(frames_in(bytes, step) == expected);
  }
}

TEST_CASE("a frame that is too large is told by its head") {
  const std::string head = H2Peer::frame(NGHTTP2_HEADERS, 0, 1, std::string(kH2MostFrame + 1, 'x')).substr(0, kH2Head);
  CHECK(frames_in(head, 100) == std::vector<std::string>{"too large"});
  CHECK(frames_in(H2Peer::frame(NGHTTP2_PING, 0, 0, std::string(kH2MostFrame, 'x')), 1 << 20).size() == 1);
}

TEST_CASE("streams are found as in a map, however they come and go") {
  std::mt19937 random(3);
  H2StreamTable<Numbered> table;
  std::map<std::int32_t, std::unique_ptr<Numbered>> map;
  std::int32_t next = 1;
  for (int i = 0; i < 20'000; ++i) {
    const bool grows = i / 2000 % 2 == 0;
    if (random() % 5 < (grows ? 3u : 2u) || map.empty()) {
      auto made = std::make_unique<Numbered>(Numbered{next});
      table.insert(*made);
      map.emplace(std::exchange(next, next + 2), std::move(made));
    } else {
      auto gone = map.begin();  // the oldest, or any other
      std::advance(gone, random() % 3 == 0 ? static_cast<long>(random() % map.size()) : 0);
      table.erase(*gone->second);
      map.erase(gone);
    }
    REQUIRE(table.size() == map.size());
    const auto any = static_cast<std::int32_t>(random() % static_cast<unsigned>(next + 2));
    const auto known = map.find(any);
    REQUIRE(table.find(any) == (known == map.end() ? nullptr : known->second.get()));
  }
  std::vector<std::int32_t> ids;
  for (const Numbered* one : table.all()) ids.push_back(one->id);
  std::vector<std::int32_t> expected;
  for (const auto& [id, one] : map) expected.push_back(id);
  CHECK(ids == expected);
}
