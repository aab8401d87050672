#include "slot_pool.h"

#include <tuple>

namespace lgen::cluster {

int SlotPool::taken_in(const std::string& zone) const {
  int count = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) count += uses_[i].taken && slots_[i].zone == zone ? 1 : 0;
  return count;
}

std::optional<std::size_t> SlotPool::take() {
  std::optional<std::size_t> best;
  const auto order = [this](std::size_t slot) {
    return std::tuple(taken_in(slots_[slot].zone), uses_[slot].given_back, slot);
  };
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (!uses_[i].taken && (!best || order(i) < order(*best))) best = i;
  }
  if (best) uses_[*best].taken = true;
  return best;
}

void SlotPool::give_back(std::size_t slot) { uses_[slot] = {false, ++count_}; }

}  // namespace lgen::cluster
