// The outputs that write lines while a run goes on: --out ndjson and --out hdr.
// Thread: the main thread.
#pragma once

#include <memory>

#include "outputs.h"

namespace lgen::cli {

/// ,rate= of ndjson.
extern const OutputKey kNdjsonKeys[1];

Result<std::unique_ptr<LiveOutput>> open_ndjson(const OutputRequest& request, const OutputMeans& means);
Result<std::unique_ptr<LiveOutput>> open_hdr(const OutputRequest& request, const OutputMeans& means);

}  // namespace lgen::cli
