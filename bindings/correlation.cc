#include "correlation.h"

#include <utility>

namespace lgen::lua {

void Correlation::sent(FieldValue key, const SendTimes& at) {
  if (by_age_.size() == max_) {
    forget(by_age_.front().place);
    ++given_up_;
  }
  const auto waiting = by_age_.insert(by_age_.end(), Waiting{at, {}});
  waiting->place = by_key_.emplace(std::move(key), waiting);
}

std::optional<SendTimes> Correlation::answered(const FieldValue& key) {
  const auto found = by_key_.lower_bound(key);
  if (found == by_key_.end() || found->first != key) return std::nullopt;
  const SendTimes at = found->second->at;
  forget(found);
  return at;
}

void Correlation::forget(ByKey::iterator place) {
  by_age_.erase(place->second);
  by_key_.erase(place);
}

}  // namespace lgen::lua
