// Header blocks that are remembered must say what they said when they came: against nghttp2's own encoder and decoder,
// which remember nothing.
#include "h2_hpack.h"

#include <random>

#include "catch.h"
#include "h2_peer.h"

using namespace lgen;
using Pairs = std::vector<std::pair<std::string, std::string>>;

namespace {

std::vector<nghttp2_nv> nvs(const Pairs& pairs, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
  const auto bytes = [](const std::string& text) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(text.data()));
  };
  std::vector<nghttp2_nv> made;
  for (const auto& [name, value] : pairs) {
    made.push_back({bytes(name), bytes(value), name.size(), value.size(), flags});
  }
  return made;
}

/// The other end, which encodes each block anew.
class Encoder {
 public:
  Encoder() { nghttp2_hd_deflate_new(&deflater_, 4096); }
  ~Encoder() { nghttp2_hd_deflate_del(deflater_); }
  std::string operator()(const Pairs& pairs, std::uint8_t flags = NGHTTP2_NV_FLAG_NONE) {
    const auto fields = nvs(pairs, flags);
    std::string out(nghttp2_hd_deflate_bound(deflater_, fields.data(), fields.size()), '\0');
    const ssize_t size = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<std::uint8_t*>(out.data()), out.size(),
                                               fields.data(), fields.size());
    out.resize(static_cast<std::size_t>(size));
    return out;
  }
  void set_table_size(std::size_t bytes) { nghttp2_hd_deflate_change_table_size(deflater_, bytes); }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

Pairs pairs_of(const H2Block* block) {
  Pairs pairs;
  if (block == nullptr) return {{"not", "decoded"}};
  for (const H2Field& field : block->fields) pairs.emplace_back(field.name, field.value);
  return pairs;
}

/// Blocks like those of a load: a few that repeat, with one in between that changes the peer's table or does not.
Pairs random_pairs(std::mt19937& random) {
  const auto pick = [&](int most) { return std::to_string(random() % static_cast<unsigned>(most)); };
  Pairs pairs = {{":status", "200"}};
  for (unsigned i = random() % 4; i > 0; --i)
    pairs.emplace_back("x-" + pick(3), std::string(random() % 60, 'v') + pick(3));
  return pairs;
}

}  // namespace

TEST_CASE("a block that comes again is not decoded again, and keeps what was made of it") {
  Encoder encode;
  HpackReader reader(1 << 16, nullptr);
  const Pairs headers = {{":status", "200"}, {"x-backend", "pod-1"}};
  const Pairs trailers = {{"grpc-status", "0"}};
  for (const Pairs* one : {&headers, &trailers}) REQUIRE(pairs_of(reader.read(encode(*one))) == *one);
  const std::string first = encode(headers), second = encode(trailers);
  H2Block* block = reader.read(first);
  CHECK_FALSE(block->read);
  block->read = true;
  REQUIRE(pairs_of(reader.read(second)) == trailers);
  for (int i = 0; i < 3; ++i) {
    CHECK(reader.read(first) == block);
    CHECK(pairs_of(block) == headers);
    CHECK(block->read);
    CHECK(pairs_of(reader.read(second)) == trailers);
  }
}

TEST_CASE("what a block says depends on the table: after a change nothing is remembered") {
  Encoder encode;
  HpackReader reader(1 << 16, nullptr);
  const Pairs one = {{"x-a", "1"}}, other = {{"x-a", "2"}};
  reader.read(encode(one));
  const std::string first_entry = encode(one);
  CHECK(pairs_of(reader.read(first_entry)) == one);
  reader.read(encode(other));  // takes the first place in the table
  CHECK(pairs_of(reader.read(first_entry)) == other);
}

TEST_CASE("whatever comes, in whole or in pieces, reads as nghttp2 wrote it") {
  std::mt19937 random(7);
  Encoder encode;
  HpackReader reader(1 << 16, nullptr);
  for (int i = 0; i < 5000; ++i) {
    if (i % 500 == 499) encode.set_table_size(random() % 200);
    const Pairs pairs = random_pairs(random);
    const std::string bytes = encode(pairs, random() % 4 == 0 ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE);
    INFO(i);
    if (random() % 4 != 0) {
      REQUIRE(pairs_of(reader.read(bytes)) == pairs);
      continue;
    }
    const std::size_t cut = random() % (bytes.size() + 1);
    REQUIRE(reader.read_piece(bytes.substr(0, cut), true, false) != nullptr);
    REQUIRE(pairs_of(reader.read_piece(bytes.substr(cut), false, true)) == pairs);
  }
}

TEST_CASE("more than is wanted is decoded, but not kept") {
  Encoder encode;
  HpackReader reader(1000, nullptr);
  const Pairs many(30, {"x-header", "value"});
  const H2Block* block = reader.read(encode(many));
  REQUIRE(block != nullptr);
  CHECK(block->truncated);
  CHECK(block->fields.size() < 30);
  CHECK(block->size == 30 * (8 + 5 + 32));
  CHECK(pairs_of(reader.read(encode(Pairs{{"x-header", "value"}}))) == Pairs{{"x-header", "value"}});
}

TEST_CASE("a broken block is told, also when it is cut off") {
  for (const char* bytes : {"\xff\xff\xff\xff\xff\xff", "\x80", "\x40\x05x"}) {
    HpackReader reader(1000, nullptr);
    CHECK(reader.read(bytes) == nullptr);
  }
}

TEST_CASE("what changes the table is told from what does not") {
  struct Row {
    const char* what;
    std::string block;
    bool changes;
  };
  const std::string text =
      "\x01"
      "a\x01"
      "b";
  const Row rows[] = {{"nothing", "", false},
                      {"indexed fields", "\x88\xbe", false},
                      {"a large index", "\xff\x80\x01", false},
                      {"a literal", std::string(1, '\0') + text, false},
                      {"one never to be kept", "\x10" + text, false},
                      {"one with a known name",
                       std::string("\x0f\x10\x01"
                                   "b",
                                   4),
                       false},
                      {"one that is kept", "\x40" + text, true},
                      {"one that is kept, behind others",
                       "\x88\x10" + text +
                           "\x41\x01"
                           "b",
                       true},
                      {"a new size", "\x20\x88", true},
                      {"a string cut off",
                       std::string("\0\x05"
                                   "a",
                                   3),
                       true},
                      {"an index cut off", "\xff\x80", true}};
  for (const Row& row : rows) {
    INFO(row.what);
    CHECK(changes_hpack_table(row.block) == row.changes);
  }
}

TEST_CASE("requests that repeat are read by the peer as they were meant, whatever goes between them") {
  std::mt19937 random(11);
  HpackWriter writer(nullptr);
  HpackReader peer(1 << 16, nullptr);
  std::vector<Pairs> known;
  std::vector<std::uint64_t> serials;
  for (int i = 0; i < 12; ++i) {  // more than are remembered
    known.push_back({{":method", "POST"}, {":path", "/" + std::to_string(i)}, {"te", "trailers"}});
    serials.push_back(new_h2_serial());
  }
  for (int i = 0; i < 5000; ++i) {
    if (i % 700 == 699) writer.set_table_size(static_cast<std::uint32_t>(random() % 4096));
    const std::size_t which = random() % (i % 100 < 50 ? 2 : known.size());
    Pairs pairs = known[which];
    if (random() % 3 == 0) pairs.emplace_back("x-" + std::to_string(random() % 5), std::to_string(random() % 7));
    const auto fields = nvs(pairs);
    std::string out = "before";
    writer.write(out, {fields, known[which].size(), serials[which]});
    INFO(i);
    REQUIRE(out.starts_with("before"));
    REQUIRE(pairs_of(peer.read(std::string_view(out).substr(6))) == pairs);
  }
}
