#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "address_block.h"
#include "catch.h"
#include "child_process.h"
#include "error.h"
#include "readiness.h"
#include "run_directory.h"
#include "tcp_port.h"

namespace lgen::cluster {
namespace {

// A loop that must be empty at the end: a handle left open fails the test.
class Loop {
 public:
  Loop() { uv_loop_init(&loop_); }
  ~Loop() {
    uv_run(&loop_, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop_) == 0);
  }
  operator uv_loop_t*() { return &loop_; }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

 private:
  uv_loop_t loop_;
};

// Runs a shell command to its end: waitpid's status and the log's last lines.
std::pair<int, std::string> run_shell(const std::string& command, std::vector<int> fds = {}) {
  Loop loop;
  const RunDirectory directory;
  const std::string log = directory.path() + "/log";
  int status = -1;
  {
    ChildProcess child(loop, {"/bin/sh", {"-c", command}, log, std::move(fds)}, [&](int s) { status = s; });
    loop.run();
    CHECK_FALSE(child.running());
  }
  return {status, last_lines(log, 3)};
}

TEST_CASE("what a killed lgen-cluster left behind is removed, and nobody else's") {
  const RunDirectory living({"k8s.yaml", "more.yaml"});
  const auto owner = owner_of(living.path());
  REQUIRE(owner);
  CHECK(owner->pid == getpid());
  CHECK(owner->manifests == std::vector<std::string>{"k8s.yaml", "more.yaml"});
  CHECK(owner->age < std::chrono::minutes(10));

  const std::string dead = living.path().substr(0, living.path().size() - 6) + "dead" + std::to_string(getpid());
  const std::string unknown = dead + "-without-owner";
  for (const std::string& directory : {dead, unknown}) std::filesystem::create_directory(directory);
  std::filesystem::copy_file(living.path() + "/owner.json", dead + "/owner.json");
  { const RunDirectory next; }
  CHECK(std::filesystem::exists(living.path()));
  CHECK(std::filesystem::exists(unknown));
  CHECK_FALSE(std::filesystem::exists(dead));
  std::filesystem::remove(unknown);
}

TEST_CASE("a child's end is reported in words") {
  CHECK(describe_exit(run_shell("exit 0").first) == "exited with code 0");
  CHECK(describe_exit(run_shell("exit 3").first) == "exited with code 3");
  CHECK(describe_exit(run_shell("kill -9 $$").first) == "was killed by signal 9");
}

TEST_CASE("a child's two outputs go to its log") {
  CHECK(run_shell("echo one; echo two >&2; echo three; echo four").second == "\n  two\n  three\n  four");
  CHECK(run_shell("true").second.empty());
}

TEST_CASE("a child gets the descriptors meant for it as 3, 4, ... and no other") {
  const UniqueFd first(memfd_create("first", MFD_CLOEXEC)), second(memfd_create("second", MFD_CLOEXEC));
  const std::vector<int> fds = {second.get(), first.get()};
  CHECK(run_shell("readlink /proc/$$/fd/3 /proc/$$/fd/4", fds).second ==
        "\n  /memfd:second (deleted)\n  /memfd:first (deleted)");
  // Without a pipe: the shell would have that, too. `true` keeps it from becoming ls itself.
  CHECK(run_shell("ls /proc/$$/fd; true", fds).second == "\n  2\n  3\n  4");
}

TEST_CASE("a program that cannot be executed is an error at once") {
  Loop loop;
  const RunDirectory directory;
  const ChildSpec spec{"/nowhere/program", {}, directory.path() + "/log", {}};
  CHECK_THROWS_WITH(ChildProcess(loop, spec, [](int) {}), "cannot start /nowhere/program: No such file or directory");
}

TEST_CASE("a child does not outlive its object") {
  Loop loop;
  const RunDirectory directory;
  pid_t pid = 0;
  {
    const ChildSpec spec{"/bin/sleep", {"1000"}, directory.path() + "/log", {}};
    ChildProcess child(loop, spec, [](int) { FAIL("it was destroyed while it ran"); });
    pid = child.pid();
    CHECK(kill(pid, 0) == 0);
  }
  CHECK(kill(pid, 0) != 0);
}

TEST_CASE("a taken port is reported with its owner") {
  const UniqueFd taken = listen_on("127.0.0.1", 0, "--port");
  const std::uint16_t port = port_of(taken);
  CHECK_FALSE(is_free("127.0.0.1", port));
  CHECK(is_free("127.0.0.2", port));
  CHECK_THROWS_WITH(listen_on("127.0.0.1", port, "--sd-port"),
                    Catch::Contains("(pid " + std::to_string(getpid()) + ")") && Catch::Contains("--sd-port"));
}

TEST_CASE("the owner of a port is who listens at that address, or at all of them") {
  const UniqueFd here = listen_on("127.0.0.1", 0, "--port");
  const std::uint16_t port = port_of(here);
  const std::string us = "(pid " + std::to_string(getpid()) + ")";
  CHECK_THAT(owner_of_port("127.0.0.1", port), Catch::Contains(us));
  CHECK_THAT(owner_of_port("127.0.0.2", port), !Catch::Contains(us));
  const UniqueFd everywhere = listen_on("0.0.0.0", 0, "--port");
  CHECK_THAT(owner_of_port("127.0.0.2", port_of(everywhere)), Catch::Contains(us));
}

TEST_CASE("two clusters never get one block of addresses") {
  const RunDirectory locks;
  const AddressBlock first = take_address_block("auto", 2, locks.path());
  const AddressBlock second = take_address_block("auto", 2, locks.path());
  CHECK(first.base_ip != second.base_ip);
  CHECK_THROWS_WITH(take_address_block(second.base_ip, 1, locks.path()), Catch::Contains("another lgen-cluster"));
  const std::string beyond_auto = "127.250.250.11";  // where no real cluster comes between
  take_address_block(beyond_auto, 2, locks.path()).lock.reset();
  CHECK(take_address_block(beyond_auto, 2, locks.path()).base_ip == beyond_auto);
}

TEST_CASE("only status 200 of HTTP/1 says ready") {
  CHECK(says_ready("HTTP/1.1 200 OK"));
  CHECK(says_ready("HTTP/1.0 200"));
  for (const char* line : {"HTTP/1.1 503 Service Unavailable", "HTTP/1.1 2000", "HTTP/1.1 20", "hello", ""}) {
    INFO(line);
    CHECK_FALSE(says_ready(line));
  }
}

TEST_CASE("a certificate and its key become one file for the owner alone") {
  const RunDirectory directory;
  const TlsFiles tls{directory.path() + "/c", directory.path() + "/k"};
  std::ofstream(tls.cert) << "CERT";
  CHECK_THROWS_WITH(write_pem(tls, directory.path()), Catch::Contains("--tls-key") && Catch::Contains("No such file"));
  std::ofstream(tls.key) << "KEY";
  const std::string pem = write_pem(tls, directory.path());
  std::string text;
  std::getline(std::ifstream(pem), text, '\0');
  CHECK(text == "CERT\nKEY");
  using std::filesystem::perms;
  CHECK(std::filesystem::status(pem).permissions() == (perms::owner_read | perms::owner_write));
}

TEST_CASE("a run directory is gone with its object") {
  std::string path;
  {
    const RunDirectory directory;
    path = directory.path();
    std::ofstream(path + "/file") << "x";
    CHECK(std::filesystem::exists(path));
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace lgen::cluster
