#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <thread>

#include "catch.h"
#include "golden.h"
#include "lgen/report.h"

using namespace lgen;
using lgen::test::read_text;
namespace fs = std::filesystem;

namespace {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (fs::temp_directory_path() / "lgen-write-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TempDir() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a file is written whole, replaced whole, and nothing is left beside it") {
  const TempDir dir;
  REQUIRE(write_file(dir / "out.json", "first").ok());
  REQUIRE(write_file(dir / "out.json", "second").ok());
  CHECK(read_text(dir / "out.json") == "second");
  CHECK(dir.files() == 1);
}

TEST_CASE("a symbolic link stays one, its file is replaced") {
  const TempDir dir;
  REQUIRE(write_file(dir / "real", "old").ok());
  fs::create_symlink(dir / "real", dir / "link");
  REQUIRE(write_file(dir / "link", "new").ok());
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(read_text(dir / "real") == "new");
}

TEST_CASE("a missing folder, a folder in its place and a full disk are said with path and remedy") {
  const TempDir dir;
  const Outcome missing = write_file(dir / "no/out.json", "x");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.error().message == "cannot write " + dir / "no/out.json" +
                                       ": No such file or directory; its folder does not exist, create it first");
  CHECK_FALSE(write_file(dir / "", "x").ok());
  const Outcome full = write_file("/dev/full", "x");
  REQUIRE_FALSE(full.ok());
  CHECK(full.error().message ==
        "cannot write /dev/full: No space left on device; free some space or name another place");
  CHECK(fs::is_character_file("/dev/full"));
}

TEST_CASE("a failed rename keeps what was there and leaves nothing beside it") {
  const TempDir dir;
  fs::create_directory(dir / "taken");
  CHECK_FALSE(write_file(dir / "taken", "x").ok());
  CHECK(fs::is_directory(dir / "taken"));
  CHECK(dir.files() == 1);
}

TEST_CASE("devices are written to in place") {
  CHECK(write_file("/dev/null", "x").ok());
  CHECK(fs::is_character_file("/dev/null"));
}

TEST_CASE("a named pipe gets the text, and one whose reader left is an error, not a signal") {
  const TempDir dir;
  const std::string pipe = dir / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = read_text(pipe); });
  CHECK(write_file(pipe, "through").ok());
  reader.join();
  CHECK(got == "through");

  std::thread leaver([&] { ::close(::open(pipe.c_str(), O_RDONLY)); });
  const Outcome cut = write_file(pipe, std::string(1 << 20, 'x'));  // more than a pipe holds
  leaver.join();
  REQUIRE_FALSE(cut.ok());
  CHECK(holds(cut.error().message, "Broken pipe"));
}

TEST_CASE("a SIGPIPE that was pending before is still pending after") {
  sigset_t pipe, before, pending;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, &before);
  ::raise(SIGPIPE);
  CHECK(write_file("/dev/null", "x").ok());
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 1);
  const timespec at_once{};
  sigtimedwait(&pipe, nullptr, &at_once);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE("whether a path can be written is found out without a trace") {
  const TempDir dir;
  CHECK(check_writable(dir / "out.json").ok());
  CHECK(dir.files() == 0);
  REQUIRE(write_file(dir / "out.json", "kept").ok());
  CHECK(check_writable(dir / "out.json").ok());
  CHECK(read_text(dir / "out.json") == "kept");
  CHECK(check_writable("-").ok());
  CHECK(check_writable("/dev/full").ok());
  CHECK_FALSE(check_writable(dir / "no/out.json").ok());
  CHECK_FALSE(check_writable("/").ok());
}
