// CPU quotas as the kernel tells of them: folders as they look on machines with control groups v1, v2 and both.
#include "lgen/cpu_quota.h"

#include "catch.h"
#include "folder.h"

using namespace lgen;
using namespace std::chrono_literals;

namespace {

struct File {
  const char* path;
  const char* text;
};

std::optional<Duration> throttled_with(std::initializer_list<File> files) {
  const test::Folder folder;
  for (const File& file : files) folder.write(file.path, file.text);
  return cpu_throttled(folder.path());
}

constexpr const char* kV2 =
    "usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 7\nnr_throttled 2\nthrottled_usec 1500\n";
constexpr const char* kV1 = "nr_periods 7\nnr_throttled 2\nthrottled_time 250000\n";

}  // namespace

TEST_CASE("the time a group was throttled is found wherever its cpu.stat lies") {
  CHECK(throttled_with({{"proc/self/cgroup", "0::/app.slice\n"}, {"sys/fs/cgroup/app.slice/cpu.stat", kV2}}) == 1500us);
  CHECK(throttled_with({{"proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/jobs/7\n"},
                        {"sys/fs/cgroup/cpu,cpuacct/jobs/7/cpu.stat", kV1}}) == 250us);
  CHECK(throttled_with({{"proc/self/cgroup", "5:cpuacct,cpu:/\n"}, {"sys/fs/cgroup/cpu/cpu.stat", kV1}}) == 250us);
  CHECK(throttled_with({{"proc/self/cgroup", "1:cpu:/a\n0::/a\n"},
                        {"sys/fs/cgroup/cpu/a/cpu.stat", kV1},
                        {"sys/fs/cgroup/unified/a/cpu.stat", "usage_usec 1\n"}}) == 250us);
}

TEST_CASE("a quota of a group above counts, too") {
  CHECK(throttled_with({{"proc/self/cgroup", "0::/pods/one\n"},
                        {"sys/fs/cgroup/pods/cpu.stat", kV2},
                        {"sys/fs/cgroup/pods/one/cpu.stat", kV2}}) == 3ms);
}

TEST_CASE("in a container the path is the host's, and the mount's own root is the group") {
  CHECK(throttled_with({{"proc/self/cgroup", "2:cpu:/docker/4f2a\n"}, {"sys/fs/cgroup/cpu/cpu.stat", kV1}}) == 250us);
  CHECK(throttled_with({{"proc/self/cgroup", "0::/../../kubepods\n"}, {"sys/fs/cgroup/cpu.stat", kV2}}) == 1500us);
}

TEST_CASE("where nothing is told, nothing is known") {
  CHECK_FALSE(throttled_with({}));
  CHECK_FALSE(throttled_with({{"proc/self/cgroup", "garbage\n::\n3:cpu\n"}}));
  CHECK_FALSE(throttled_with({{"proc/self/cgroup", "3:cpuset:/x\n"}, {"sys/fs/cgroup/cpuset/x/cpu.stat", kV1}}));
  CHECK_FALSE(throttled_with({{"proc/self/cgroup", "0::/a\n"}, {"sys/fs/cgroup/a/cpu.stat", "usage_usec 12\n"}}));
}
