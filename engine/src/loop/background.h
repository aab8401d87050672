// Work that would hold up the loop, in libuv's thread pool; its end is told on the loop.
// Thread: the loop's, but for the work itself, which runs on a thread of the pool.
// Lifetime: dropped or cancelled work that has begun runs to its end in the pool, and the loop's destructor waits for
// it: it must own what it uses.
#pragma once

#include <functional>

#include "lgen/loop.h"
#include "lgen/op.h"

namespace lgen {

/// `done` is called when `work` has returned; after a cancel at once, whether or not the work has been begun.
Op in_background(Loop& loop, std::function<void()> work, std::function<void()> done);

}  // namespace lgen
