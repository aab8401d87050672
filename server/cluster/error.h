// The one exception of lgen-cluster: a text for the user that says what happened, where and what to do.
//
// *Thread:* a plain value.
#pragma once

#include <stdexcept>

namespace lgen::cluster {

struct ClusterError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace lgen::cluster
