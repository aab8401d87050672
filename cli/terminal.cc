#include "terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace lgen::cli {

ConsoleStyle console_style(bool no_color) {
  ConsoleStyle style;
  if (!isatty(STDOUT_FILENO)) return style;
  winsize size{};
  const char* variable = std::getenv("NO_COLOR");
  style.color = !no_color && (!variable || !*variable);
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) style.width = size.ws_col;
  return style;
}

}  // namespace lgen::cli
