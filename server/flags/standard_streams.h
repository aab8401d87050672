// Standard output and error as they may come: closed, full, or with nobody at the other end.
//
// *Thread:* any, `keep_standard_descriptors` before there are others.
#pragma once

#include <string_view>

namespace lgen::server {

// Closed descriptors 0 to 2 lead nowhere from now on. Else the next socket would get the number, and what is meant for
// the terminal. First thing in main.
void keep_standard_descriptors();

// A line for the user, on standard error. That it cannot be written is no reason to stop.
void complain(std::string_view line);

}  // namespace lgen::server
