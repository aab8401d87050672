#include "lgen/append_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "catch.h"
#include "folder.h"
#include "golden.h"

using namespace lgen;
using namespace lgen::test;

namespace {

std::unique_ptr<AppendFile> opened(const std::string& path, int stdout_fd = -1) {
  auto file = AppendFile::open(path, stdout_fd);
  if (!file) FAIL(file.error().message);
  return std::move(*file);
}

}  // namespace

TEST_CASE("a file keeps what it held until the run begins, and then holds every line at once") {
  const Folder folder;
  const std::string path = folder.path("log");
  folder.write("log", "before\n");
  const auto file = opened(path);
  CHECK(read_text(path) == "before\n");
  file->begin();
  CHECK(file->append("one\n"));
  CHECK(read_text(path) == "one\n");
  CHECK(file->append("two\nthree\n"));
  CHECK(read_text(path) == "one\ntwo\nthree\n");
  CHECK(file->close());
}

TEST_CASE("a device that takes nothing costs lines, not the run") {
  const auto file = opened("/dev/full");
  file->begin();
  CHECK(!file->append("one\n"));
  CHECK(!file->append("two\nthree\n"));
  const Outcome closed = file->close();
  REQUIRE(!closed);
  CHECK(closed.error().message ==
        "cannot write /dev/full: No space left on device; free some space or name another place; 3 lines are missing");
}

TEST_CASE("a pipe that nobody reads holds nothing up, and what did not fit is told") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const auto file = opened("-", ends[1]);
  const std::string line(1 << 20, 'x');
  int taken = 0;
  for (int i = 0; i < 6; ++i) taken += file->append(line + "\n") ? 1 : 0;
  CHECK(taken >= 3);
  CHECK(taken < 6);
  ::close(ends[0]);  // now it is broken
  const Outcome closed = file->close();
  REQUIRE(!closed);
  CHECK(closed.error().message.find("standard output: its reader takes less than there is to tell; ") == 0);
  ::close(ends[1]);
}

TEST_CASE("what a pipe has taken of a line it gets the rest of, so that the last words are a line of their own") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  REQUIRE(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  const auto file = opened("-", ends[1]);
  const std::string line(100'000, 'x');  // a pipe takes 64 KiB
  file->append(line + "\n");
  for (int i = 0; i < 50; ++i) file->append(line + "\n");  // more than may wait: the failure that ends all patience
  CHECK(file->failure());
  CHECK(!file->settle());
  const std::uint64_t lost = file->lines_lost();
  CHECK(lost == 50);
  std::string got;
  const auto read_all = [&] {
    char piece[65536];
    for (ssize_t n; (n = ::read(ends[0], piece, sizeof piece)) > 0;) got.append(piece, static_cast<std::size_t>(n));
  };
  read_all();
  file->append("end\n");
  CHECK(!file->close());
  read_all();
  CHECK(got == line + "\nend\n");
  CHECK(file->lines_lost() == lost);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("a pipe whose reader has gone is an error, not a signal") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  ::close(ends[0]);
  const auto file = opened("-", ends[1]);
  CHECK(!file->append("one\n"));
  CHECK(file->close().error().message == "cannot write standard output: Broken pipe; 1 line is missing");
  ::close(ends[1]);
}

TEST_CASE("a place that cannot be written is refused at once") {
  const Folder folder;
  CHECK(AppendFile::open(folder.path("no/such/log"), 1).error().message.find("No such file or directory") !=
        std::string::npos);
  CHECK(AppendFile::open(folder.path(""), 1).error().message.find("Is a directory") != std::string::npos);
}
