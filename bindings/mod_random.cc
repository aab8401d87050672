#include <fmt/format.h>

#include <cmath>

#include "host.h"
#include "modules.h"
#include "random.h"
#include "stack.h"

namespace lgen::lua {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr std::int64_t kMostBytes = 64 << 20;

Random& stream(lua_State* L) { return host_of(L).random(); }

int uniform(lua_State* L) {
  const double low = check_number(L, 1, "lgen.random.uniform");
  const double high = check_number(L, 2, "lgen.random.uniform");
  lua_pushnumber(L, stream(L).uniform(low, high));
  return 1;
}

int exponential(lua_State* L) {
  const double mean = check_number(L, 1, "lgen.random.exponential");
  lua_pushnumber(L, -mean * std::log1p(-stream(L).unit()));
  return 1;
}

/// Box and Muller's transform; the second value is thrown away so that every call draws the same number of times.
double gauss(Random& random) {
  const double radius = std::sqrt(-2 * std::log1p(-random.unit()));
  return radius * std::cos(2 * kPi * random.unit());
}

int normal(lua_State* L) {
  const double mean = check_number(L, 1, "lgen.random.normal");
  const double deviation = check_number(L, 2, "lgen.random.normal");
  lua_pushnumber(L, mean + deviation * gauss(stream(L)));
  return 1;
}

int lognormal(lua_State* L) {
  const double mean = check_number(L, 1, "lgen.random.lognormal");
  const double deviation = check_number(L, 2, "lgen.random.lognormal");
  lua_pushnumber(L, std::exp(mean + deviation * gauss(stream(L))));
  return 1;
}

/// A whole number between those at 1 and 2.
int push_integer(lua_State* L, std::string_view what) {
  constexpr std::int64_t kLimit = std::int64_t{1} << 53;
  const std::int64_t low = check_integer(L, 1, what, -kLimit, kLimit);
  const std::int64_t high = check_integer(L, 2, what, low, kLimit);
  lua_pushnumber(L, static_cast<double>(stream(L).integer(low, high)));
  return 1;
}

int integer(lua_State* L) { return push_integer(L, "lgen.random.int"); }

int boolean(lua_State* L) {
  const double probability = check_number(L, 1, "lgen.random.bool");
  lua_pushboolean(L, stream(L).unit() < probability);
  return 1;
}

int choice(lua_State* L) {
  check_table(L, 1, "lgen.random.choice");
  const auto size = static_cast<std::int64_t>(lua_objlen(L, 1));
  if (size == 0) raise(L, "lgen.random.choice: the list is empty");
  lua_rawgeti(L, 1, static_cast<int>(stream(L).integer(1, size)));
  return 1;
}

/// Weight of entry `i` of the list at 1; raises unless it is {value, weight >= 0}.
double weight_of(lua_State* L, int i) {
  lua_rawgeti(L, 1, i);
  const std::string_view kWhat = "lgen.random.weighted: {value, weight}";
  check_table(L, -1, kWhat);
  lua_rawgeti(L, -1, 2);
  const double weight = check_number(L, -1, kWhat);
  if (!(weight >= 0)) raise(L, "lgen.random.weighted: a weight is not negative");
  lua_pop(L, 2);
  return weight;
}

int weighted(lua_State* L) {
  check_table(L, 1, "lgen.random.weighted");
  const auto size = static_cast<int>(lua_objlen(L, 1));
  double total = 0;
  for (int i = 1; i <= size; ++i) total += weight_of(L, i);
  if (!(total > 0)) raise(L, "lgen.random.weighted: the weights add up to 0");
  double draw = stream(L).unit() * total;
  int chosen = 0;
  for (int i = 1; i <= size; ++i) {
    const double weight = weight_of(L, i);
    if (weight > 0) chosen = i;
    if (draw < weight) break;
    draw -= weight;
  }
  lua_rawgeti(L, 1, chosen);
  lua_rawgeti(L, -1, 1);
  return 1;
}

template <class Draw>
int push_drawn(lua_State* L, std::string_view what, Draw draw) {
  const std::int64_t size = check_integer(L, 1, what, 0, kMostBytes);
  Random& random = stream(L);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (std::int64_t i = 0; i < size; ++i) luaL_addchar(&buffer, draw(random));
  luaL_pushresult(&buffer);
  return 1;
}

int string(lua_State* L) {
  return push_drawn(L, "lgen.random.string", [](Random& random) {
    constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    return kLetters[static_cast<std::size_t>(random.integer(0, static_cast<std::int64_t>(kLetters.size()) - 1))];
  });
}

int bytes(lua_State* L) {
  return push_drawn(L, "lgen.random.bytes", [](Random& random) { return static_cast<char>(random.next() >> 56); });
}

/// Version 4 of RFC 9562.
int uuid(lua_State* L) {
  Random& random = stream(L);
  const std::uint64_t high = (random.next() & ~0xf000ull) | 0x4000ull;
  const std::uint64_t low = (random.next() & ~(3ull << 62)) | (2ull << 62);
  char text[40];
  const auto end = fmt::format_to(text, "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                                  high & 0xffff, low >> 48, low & 0xffffffffffffull);
  push(L, {text, static_cast<std::size_t>(end - text)});
  return 1;
}

/// Fisher and Yates, in place.
int shuffle(lua_State* L) {
  check_table(L, 1, "lgen.random.shuffle");
  for (auto i = static_cast<int>(lua_objlen(L, 1)); i > 1; --i) {
    const auto j = static_cast<int>(stream(L).integer(1, i));
    lua_rawgeti(L, 1, i);
    lua_rawgeti(L, 1, j);
    lua_rawseti(L, 1, i);
    lua_rawseti(L, 1, j);
  }
  lua_settop(L, 1);
  return 1;
}

/// math.random(), math.random(m), math.random(m, n) on the task's stream.
int math_random(lua_State* L) {
  const int arguments = lua_gettop(L);
  if (arguments == 0) {
    lua_pushnumber(L, stream(L).unit());
    return 1;
  }
  if (arguments == 1) {
    lua_pushnumber(L, 1);
    lua_insert(L, 1);
  }
  return push_integer(L, "math.random");
}

/// math.randomseed: the seed is --seed.
int math_randomseed(lua_State* L) {
  raise(L, "math.randomseed: draws are seeded by --seed, so that a run can be repeated");
}

constexpr Binding kRandom[] = {
    {"uniform", uniform, "fun(a: number, b: number): number", "[R] Uniform in [a, b)."},
    {"exponential", exponential, "fun(mean: number): number", "[R] Exponential."},
    {"normal", normal, "fun(mean: number, sd: number): number", "[R] Normal."},
    {"lognormal", lognormal, "fun(mean: number, sd: number): number", "[R] exp of a normal with that mean and sd."},
    {"int", integer, "fun(a: integer, b: integer): integer", "[R] Whole number in [a, b]."},
    {"bool", boolean, "fun(p: number): boolean", "[R] True with probability p."},
    {"choice", choice, "fun(list: any[]): any", "[R] One of the list."},
    {"weighted", weighted, "fun(list: table[]): any", "[R] A value of {{value, weight}, …}."},
    {"string", string, "fun(n: integer): string", "[R] n letters and digits."},
    {"bytes", bytes, "fun(n: integer): string", "[R] n random bytes."},
    {"uuid", uuid, "fun(): string", "A random UUID, version 4."},
    {"shuffle", shuffle, "fun(list: any[]): any[]", "[R] Shuffles the list in place and returns it."},
};

constexpr Binding kMath[] = {
    {"random", math_random, "fun(m?: integer, n?: integer): number", ""},
    {"randomseed", math_randomseed, "fun(seed: number)", ""},
};

}  // namespace

const Module kRandomModule{
    .name = "lgen.random",
    .doc = "Random numbers, reproducible from --seed; every task has its own stream. math.random draws from it too.",
    .bindings = kRandom};
const Module kMathModule{.name = "_math", .doc = "", .bindings = kMath};

}  // namespace lgen::lua
