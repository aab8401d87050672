// How many descriptors a process of this cluster may open, raised as far as the system lets us.
//
// *Thread:* any.
#pragma once

namespace lgen::cluster {

// Raises the soft limit to the hard one, for us and all programs started from now on; the limit then.
int raise_descriptor_limit();

// Client connections HAProxy can hold with that many descriptors: each takes two, one on either side.
int connections_for(int descriptors);

}  // namespace lgen::cluster
