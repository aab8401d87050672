#include "pod.h"

#include <utility>

namespace lgen::cluster {

Pod::Pod(uv_loop_t* loop, PodSpec spec, const ChildSpec& child, Events events)
    : spec_(std::move(spec)),
      log_path_(child.log_path),
      events_(std::move(events)),
      process_(loop, child, [this](int status) { events_.on_exit(status); }),
      probe_(loop, spec_.ip, kMetricsPort, [this] {
        ready_ = true;
        events_.on_ready();
      }) {}

}  // namespace lgen::cluster
