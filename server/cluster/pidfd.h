// A descriptor that becomes readable when a process ends.
//
// *Thread:* any.
#pragma once

#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "unique_fd.h"

namespace lgen::cluster {

// None, with errno set, if there is no such process or the kernel is older than 5.3. By system call, because glibc
// 2.36's own declaration lacks its extern "C".
inline UniqueFd open_pidfd(pid_t pid) { return UniqueFd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))); }

}  // namespace lgen::cluster
