"""Whether the generator may be believed: every rule of the verdict, brought about for real where the machine lets us."""

import ctypes
import os
import resource
import subprocess
import unittest

from lgen_runs import PRELUDE, LgenCase, clean_environment
from programs import Server, binary
from waiting import PATIENCE_SECONDS

POOL = PRELUDE + """
local api = lgen.proto { files = { "hello.proto" } }
local SayHello = api:method "hello.Hello/SayHello"
local pool = lgen.grpc.pool("many", lgen.target, { size = SIZE })
lgen.scenario("s", {
  load = lgen.load.per_vu_iterations { vus = SIZE, iterations = 3 },
  run = function(vu) pool[vu.id]:call(SayHello, {}, { timeout = 2 }) end,
})
"""

# Lua that keeps the loop for a while, in every one of its iterations.
BUSY = """
local function busy(seconds)
  local until_ = lgen.now() + seconds
  while lgen.now() < until_ do end
end
"""


def without_more_descriptors(limit):
    """For a child: neither more descriptors than `limit` nor, also as root, the right to raise it."""
    PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24
    prctl = ctypes.CDLL(None).prctl

    def prepare():
        if os.geteuid() == 0:
            prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    return prepare


class CpuGroup:
    """A control group with a CPU quota of `percent`, or None where we may not make one."""

    def __init__(self, percent):
        self.path = None
        for base, quota in (("/sys/fs/cgroup/cpu", "cpu.cfs_quota_us"), ("/sys/fs/cgroup", "cpu.max")):
            path = f"{base}/lgen-test-{os.getpid()}"
            try:
                os.mkdir(path)
                self.path = path
                with open(f"{path}/{quota}", "w", encoding="ascii") as file:
                    file.write(f"{percent * 1000} 100000" if quota == "cpu.max" else str(percent * 1000))
                return
            except OSError:
                self.close()

    def enter(self):
        with open(f"{self.path}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(os.getpid()))

    def close(self):
        if self.path and os.path.isdir(self.path):
            os.rmdir(self.path)
        self.path = None


class ValidityCase(LgenCase):
    def run_prepared(self, prepare, *flags):
        """Runs plan.lua after `prepare` in the child."""
        return subprocess.run([binary("lgen"), "plan.lua", "--quiet", *map(str, flags)], cwd=self.folder,
                              env=clean_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE_SECONDS, check=False, preexec_fn=prepare)

    def assert_invalid(self, done, reason):
        self.assertEqual(done.returncode, 111, done)
        self.assertIn("INVALID: it was the bottleneck", done.stdout)
        self.assertIn(reason, done.stdout)


class ExhaustionTest(ValidityCase):
    def test_descriptors(self):
        self.write("plan.lua", POOL.replace("SIZE", "80"))
        with Server() as target:
            flags = "--target", target.target, "--wait-ready", "0"
            done = self.run_prepared(without_more_descriptors(60), *flags)
            self.assert_invalid(done, "file descriptors ran out (raise `ulimit -n`)")
            warned = self.run_prepared(without_more_descriptors(60), *flags, "--validity", "warn")
            self.assertNotEqual(warned.returncode, 111, warned)
            self.assertIn("INVALID", warned.stdout)

    def test_descriptors_while_the_channels_connect(self):
        self.write("plan.lua", POOL.replace("SIZE", "80"))
        with Server() as target:
            done = self.run_prepared(without_more_descriptors(60), "--target", target.target, "--wait-ready", "2s")
            self.assert_invalid(done, "file descriptors ran out")

    def test_ports(self):
        if subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("a network namespace of our own is not allowed here")
        self.write("plan.lua", POOL.replace("SIZE", "30"))
        self.write("run.sh", f"""
          ip link set lo up || exit 1
          echo "40000 40009" > /proc/sys/net/ipv4/ip_local_port_range || exit 1
          {binary("lgen-server")} --bind 127.0.0.1 --grpc-port 50051 --metrics-port 0 --http-port 0 > server.log &
          server=$!
          until grep -q "gRPC server started" server.log; do sleep 0.05; done
          {binary("lgen")} plan.lua --quiet --target 127.0.0.1:50051 --wait-ready 0
          code=$?
          kill $server; wait $server
          exit $code""")
        done = subprocess.run(["unshare", "--net", "bash", "run.sh"], cwd=self.folder, env=clean_environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS,
                              check=False)
        self.assert_invalid(done, "local ports ran out")


class ThrottleTest(ValidityCase):
    def test_a_cpu_quota_makes_it_suspect(self):
        group = CpuGroup(5)  # less than a busy machine leaves to it
        if not group.path:
            self.skipTest("a control group of our own is not allowed here")
        self.addCleanup(group.close)
        self.write("plan.lua", PRELUDE + BUSY + """
          lgen.scenario("s", {
            load = lgen.load.constant_vus { vus = 1, duration = "2s" },
            run = function(vu) busy(0.01) lgen.yield() end,
          })""")
        done = self.run_prepared(group.enter, "--validity", "warn", "--out", "json=result.json")
        self.assertEqual(done.returncode, 0, done)
        self.assertRegex(done.stdout, r"the CPU quota throttled lgen [0-9.]+% of the time")


class LateTest(ValidityCase):
    def test_a_plan_that_keeps_the_loop_makes_it_late(self):
        self.write("plan.lua", PRELUDE + BUSY + """
          lgen.scenario("s", {
            load = lgen.load.constant_vus { vus = 5, duration = "1s" },
            run = function(vu) busy(0.06) end,
          })
          lgen.scenario("timer", {  -- one that is due whenever the loop is kept
            load = lgen.load.constant_vus { vus = 1, duration = "1s" },
            run = function(vu) lgen.sleep(0.001) end,
          })""")
        done = self.run_prepared(None)
        self.assert_invalid(done, "iterations started late: start lag p99")
        self.assertIn("the loop was more than 50ms late in", done.stdout)


if __name__ == "__main__":
    unittest.main()
