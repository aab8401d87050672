// What the bindings take memory with: blocks of a Lua state, objects used again, short lists, counted pointers.
#include <array>
#include <cstring>
#include <lua.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "catch.h"
#include "few.h"
#include "free_list.h"
#include "lua_memory.h"
#include "rc.h"

namespace lgen::lua {
namespace {

struct Blocks {
  LuaMemory memory;
  unsigned char* take(std::size_t size) { return change(nullptr, 0, size); }
  unsigned char* resize(void* block, std::size_t from, std::size_t to) { return change(block, from, to); }
  void give(void* block, std::size_t size) { change(block, size, 0); }
  unsigned char* change(void* block, std::size_t from, std::size_t to) {
    return static_cast<unsigned char*>(LuaMemory::change(&memory, block, from, to));
  }
};

/// Counts how many of it there are.
struct Counted {
  explicit Counted(int& number) : alive(number) { ++alive; }
  Counted(const Counted& other) : alive(other.alive) { ++alive; }
  ~Counted() { --alive; }
  int& alive;
  int value = 0;
};

}  // namespace

// ---- LuaMemory ----

TEST_CASE("blocks of every size are aligned, apart from each other, and hold what is written") {
  Blocks blocks;
  std::vector<std::pair<unsigned char*, std::size_t>> made;
  for (std::size_t size = 1; size < 2000; size += 3) {
    unsigned char* block = blocks.take(size);
    REQUIRE(block != nullptr);
    REQUIRE(reinterpret_cast<std::uintptr_t>(block) % 16 == 0);
    std::memset(block, static_cast<int>(size % 251), size);
    made.emplace_back(block, size);
  }
  for (const auto& [block, size] : made) {
    for (std::size_t i = 0; i < size; ++i) REQUIRE(block[i] == size % 251);
    blocks.give(block, size);
  }
}

TEST_CASE("small blocks that are given back are handed out again, to any size of their step") {
  Blocks blocks;
  const auto round = [&](std::size_t size) {
    std::set<void*> taken;
    for (int i = 0; i < 50; ++i) taken.insert(blocks.take(size));
    for (void* block : taken) blocks.give(block, size);
    return taken;
  };
  for (const std::size_t size : {1, 17, 97, 497}) CHECK(round(size) == round(size + 15));
}

TEST_CASE("a block keeps its bytes when it grows and shrinks, across steps and across what is the system's") {
  Blocks blocks;
  std::size_t size = 5;
  unsigned char* text = blocks.take(size);
  std::memcpy(text, "Lua!", size);
  for (const std::size_t next : {16, 17, 400, 512, 513, 5000, 60000, 513, 512, 20, 16, 5}) {
    text = blocks.resize(text, size, next);
    REQUIRE(text != nullptr);
    REQUIRE(std::memcmp(text, "Lua!", 5) == 0);
    size = next;
  }
  CHECK(blocks.resize(text, size, size + 1) == text);  // the same step: where it was
  blocks.give(text, size + 1);
}

TEST_CASE("nothing is nothing, as Lua has it") {
  Blocks blocks;
  CHECK(blocks.take(0) == nullptr);
  blocks.give(nullptr, 0);
}

TEST_CASE("a Lua state lives in it") {
  LuaMemory memory;
  lua_State* L = lua_newstate(LuaMemory::change, &memory);
  REQUIRE(L != nullptr);
  luaL_openlibs(L);
  const char* program = R"(
    local made = {}
    for round = 1, 20 do
      for i = 1, 2000 do made[i] = { name = ("x"):rep(i % 700) .. round, i, co = coroutine.create(print) } end
      collectgarbage()
    end
    local sum = 0
    for i = 1, 2000 do sum = sum + #made[i].name end
    return sum)";
  REQUIRE(luaL_dostring(L, program) == 0);
  double expected = 0;
  for (int i = 1; i <= 2000; ++i) expected += i % 700 + 2;  // and the two digits of round 20
  CHECK(lua_tonumber(L, -1) == expected);
  lua_close(L);
}

// ---- FreeMemory, FreeList ----

TEST_CASE("memory that is given back serves the next object") {
  FreeMemory memory;
  void* first = memory.take(100);
  void* second = memory.take(100);
  CHECK(first != second);
  memory.give(first);
  CHECK(memory.take(100) == first);
  memory.give(second);
  memory.give(first);
}

TEST_CASE("an object is handed out again as its last user has left it, and only as many are made as are busy at once") {
  int alive = 0;
  {
    FreeList<Counted> list;
    Counted& one = list.take(alive);
    Counted& two = list.take(alive);
    CHECK(&one != &two);
    one.value = 7;
    list.give(one);
    Counted& again = list.take(alive);
    CHECK(&again == &one);
    CHECK(again.value == 7);
    CHECK(list.all().size() == 2);
    CHECK(alive == 2);
  }
  CHECK(alive == 0);  // busy ones, too, go with the list
}

// ---- Few ----

TEST_CASE("a list of a few keeps their order, however many there are, and forgets those that leave") {
  std::array<int, 40> numbers{};
  for (std::size_t count = 0; count <= numbers.size(); ++count) {
    Few<int> few;
    for (std::size_t i = 0; i < count; ++i) few.add(numbers[i]);
    std::vector<int*> expected;
    for (std::size_t i = 0; i < count; ++i) expected.push_back(&numbers[i]);
    const auto same = [&] { return std::vector<int*>(few.begin(), few.end()) == expected; };
    REQUIRE(same());
    for (const std::size_t at : {count / 2, std::size_t{0}, count}) {
      if (at >= expected.size()) continue;
      few.remove(*expected[at]);
      expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(at));
      REQUIRE(same());
    }
    if (count < numbers.size()) few.remove(numbers[count]);  // was never there
    REQUIRE(same());
    while (!few.empty()) {
      REQUIRE(&few.front() == expected.front());
      REQUIRE(&few.take_last() == expected.back());
      expected.pop_back();
    }
    REQUIRE(few.size() == 0);
  }
}

TEST_CASE("a list that is moved from is empty, one that is moved to has what the other had") {
  std::array<int, 9> numbers{};
  for (const std::size_t count : {0, 1, 9}) {
    Few<int> from;
    for (std::size_t i = 0; i < count; ++i) from.add(numbers[i]);
    Few<int> to;
    for (int& number : numbers) to.add(number);
    to = std::exchange(from, {});
    CHECK(from.empty());
    REQUIRE(to.size() == count);
    if (count > 0) CHECK(&to.front() == &numbers[0]);
    from.add(numbers[1]);
    CHECK(&from.front() == &numbers[1]);
  }
}

// ---- Rc ----

TEST_CASE("an object lives as long as the last that points to it") {
  int alive = 0;
  auto one = Rc<Counted>::make(alive);
  CHECK(alive == 1);
  {
    const Rc<Counted> two = one;  // NOLINT: a copy is the point
    CHECK(two.get() == one.get());
    CHECK(two == one);
    one.reset();
    CHECK(alive == 1);
    CHECK_FALSE(one);
    CHECK(one.get() == nullptr);
    CHECK(two->value == 0);
  }
  CHECK(alive == 0);
}

TEST_CASE("assigning lets go of the old object and takes the new one, itself included") {
  int alive = 0;
  auto one = Rc<Counted>::make(alive);
  auto two = Rc<Counted>::make(alive);
  two->value = 2;
  one = two;
  CHECK(alive == 1);
  CHECK(one->value == 2);
  const Rc<Counted>& same = one;
  one = same;
  two = nullptr;
  CHECK(alive == 1);
  CHECK((*one).value == 2);
  Rc<Counted> three = std::move(one);
  CHECK_FALSE(one);  // NOLINT: what is moved from points to nothing
  CHECK(three->value == 2);
  three = Rc<Counted>();
  CHECK(alive == 0);
}

TEST_CASE("pointers to what is constant, and to nothing, are pointers, too") {
  const auto text = Rc<const std::string>::make("tags");
  CHECK(*text == "tags");
  CHECK(Rc<const std::string>() == Rc<const std::string>(nullptr));
  CHECK_FALSE(text == nullptr);
}

}  // namespace lgen::lua
