#include "local_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>

#include "lgen/units.h"

namespace lgen::cli {
namespace {

using Words = std::map<std::string, std::string, std::less<>>;

constexpr std::array<std::string_view, 9> kKeys = {"pods",       "balance",        "zones",
                                                   "manifests",  "service",        "time-scale",
                                                   "metric-lag", "endpoint-delay", "scrape-interval"};
constexpr std::array<std::string_view, 3> kBalances = {"connection", "stream", "zones"};
constexpr int kMaxPods = 244;  // lgen-cluster's limits
constexpr int kMaxZones = 26;

Error wrong(std::string_view word, std::string_view why) {
  return make_error(ErrorCode::invalid_argument, fmt::format("--local: '{}': {}", word, why));
}

std::string hint(std::string_view guess) { return guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess); }

/// "key=value" -> words[key]; the last of several counts.
Outcome take_word(std::string_view word, Words& words) {
  const std::size_t equals = word.find('=');
  const std::string_view key = word.substr(0, equals);
  const bool known = std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
  if (!known || equals == std::string_view::npos) {
    return wrong(word,
                 "write pods=3,balance=connection|stream|zones,zones=2 or manifests=PATH,service=NAME,time-scale=20" +
                     (known ? "" : hint(did_you_mean(key, kKeys))));
  }
  words[std::string(key)] = word.substr(equals + 1);
  return Done{};
}

Outcome check_number(const Words& words, std::string_view key, int most) {
  const auto at = words.find(key);
  if (at == words.end()) return Done{};
  const std::string& text = at->second;
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && end == text.data() + text.size() && value >= 1 && value <= most) return Done{};
  return wrong(fmt::format("{}={}", key, text), fmt::format("a whole number from 1 to {} is expected", most));
}

Outcome check_balance(const Words& words) {
  const auto at = words.find("balance");
  if (at == words.end() || std::find(kBalances.begin(), kBalances.end(), at->second) != kBalances.end()) return Done{};
  return wrong("balance=" + at->second,
               fmt::format("there are {}{}", fmt::join(kBalances, ", "), hint(did_you_mean(at->second, kBalances))));
}

/// Zones are for balance=zones, and each needs two pods: with one, it could not be told from a connection.
Outcome check_zones(const Words& words) {
  const auto zones = words.find("zones"), balance = words.find("balance"), pods = words.find("pods");
  const bool zoned = balance != words.end() && balance->second == "zones";
  if (zones != words.end() && !zoned) return wrong("zones=" + zones->second, "goes with balance=zones only");
  if (!zoned || pods == words.end()) return Done{};
  const int needed = 2 * (zones == words.end() ? 2 : std::stoi(zones->second));
  if (std::stoi(pods->second) >= needed) return Done{};
  return wrong("pods=" + pods->second, fmt::format("balance=zones needs two pods in each zone, here pods={}", needed));
}

/// With manifests these say how many pods there are; without, there are no services and no time but the machine's.
Outcome check_manifests(const Words& words) {
  const bool manifests = words.contains("manifests");
  const auto pods = words.find("pods");
  if (manifests && pods != words.end()) return wrong("pods=" + pods->second, "with manifests these say it");
  for (const std::string_view key : {"time-scale", "service", "metric-lag", "endpoint-delay", "scrape-interval"}) {
    const auto at = words.find(key);
    if (!manifests && at != words.end()) {
      return wrong(fmt::format("{}={}", key, at->second), "goes with manifests only");
    }
  }
  return Done{};
}

}  // namespace

Result<std::vector<std::string>> local_flags(std::string_view spec) {
  Words words;
  while (!spec.empty()) {
    const std::string_view word = spec.substr(0, spec.find(','));
    spec.remove_prefix(std::min(spec.size(), word.size() + 1));
    if (const Outcome taken = take_word(word, words); !taken) return taken.error();
  }
  for (const Outcome& checked : {check_number(words, "pods", kMaxPods), check_number(words, "zones", kMaxZones),
                                 check_balance(words), check_manifests(words)}) {
    if (!checked) return checked.error();
  }
  if (const Outcome zones = check_zones(words); !zones) return zones.error();
  std::vector<std::string> flags;
  for (const auto& [key, value] : words) {
    flags.insert(flags.end(), {key == "manifests" ? "--filename" : fmt::format("--{}", key), value});
  }
  return flags;
}

}  // namespace lgen::cli
