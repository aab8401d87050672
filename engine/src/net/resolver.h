// Names to addresses without holding up the loop: getaddrinfo in libuv's thread pool, so that /etc/hosts, search
// domains and resolv.conf count as in every other program.
// Thread: the loop's; the lookup itself runs on a pool thread and touches nothing of ours.
// Lifetime: a dropped lookup that has begun still runs to its end in the pool, and the loop's destructor waits for it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "address.h"
#include "lgen/error.h"
#include "lgen/loop.h"
#include "lgen/op.h"

namespace lgen {

using ResolveDone = std::function<void(Result<std::vector<Address>>)>;

/// All addresses of `host`, at least one, in the system's order. Numeric ones take no lookup.
Op resolve(Loop& loop, const std::string& host, int port, ResolveDone done);

}  // namespace lgen
