// The addresses of a cluster's pods: each is one pod's at a time.
//
// *Thread:* a plain object.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "layout.h"

namespace lgen::cluster {

class SlotPool {
 public:
  // `slots` as HAProxy knows them: name, zone, address.
  explicit SlotPool(std::vector<PodSpec> slots) : slots_(std::move(slots)), uses_(slots_.size()) {}

  // In the zone with the fewest pods, the one that was given back the longest ago. Nothing: all are taken.
  std::optional<std::size_t> take();
  void give_back(std::size_t slot);

  const PodSpec& at(std::size_t slot) const { return slots_[slot]; }
  const std::vector<PodSpec>& slots() const { return slots_; }

 private:
  struct Use {
    bool taken = false;
    std::uint64_t given_back = 0;  // a count, not a time
  };
  int taken_in(const std::string& zone) const;

  std::vector<PodSpec> slots_;
  std::vector<Use> uses_;
  std::uint64_t count_ = 0;
};

}  // namespace lgen::cluster
