// Which of the messages sent on a stream a reply answers, and since when that message has waited. Of messages with the
// same key the oldest is answered first. At most `max` wait: of one more, the oldest is given up.
// Thread: the loop's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>

#include "field_path.h"
#include "lgen/time.h"

namespace lgen::lua {

/// When a message was to be sent, and when the send buffer took it.
struct SendTimes {
  TimePoint intended, taken;
  bool operator==(const SendTimes&) const = default;
};

class Correlation {
 public:
  static constexpr std::size_t kDefaultMax = 10'000;

  explicit Correlation(std::size_t max) : max_(max) {}

  void sent(FieldValue key, const SendTimes& at);
  /// When the message with this key was sent; nothing: none waits.
  std::optional<SendTimes> answered(const FieldValue& key);
  /// Messages without an answer: given up, or still waiting.
  std::uint64_t unanswered() const { return given_up_ + by_age_.size(); }
  std::uint64_t given_up() const { return given_up_; }

 private:
  struct Waiting;
  using ByAge = std::list<Waiting>;
  using ByKey = std::multimap<FieldValue, ByAge::iterator>;  // equal keys stay in the order they came
  struct Waiting {
    SendTimes at;
    ByKey::iterator place;
  };
  void forget(ByKey::iterator place);

  std::size_t max_;
  std::uint64_t given_up_ = 0;
  ByAge by_age_;
  ByKey by_key_;
};

}  // namespace lgen::lua
