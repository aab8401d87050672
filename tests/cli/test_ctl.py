"""lgen ctl: orders for a run that goes on, through a socket of its owner's."""

import json
import os
import signal
import socket
import stat
import subprocess
import unittest

from lgen_runs import LgenCase
from programs import Program, binary
from waiting import eventually

EXTERNAL = """
lgen.scenario("ext", {
  load = lgen.load.external { vus = 1, max_vus = 5, duration = "10m" },
  run = function(vu) lgen.sleep(0.01) end,
})
lgen.scenario("fix", {
  load = lgen.load.constant_rate { rate = 50, max_vus = 4, duration = "10m" },
  run = function(vu) lgen.sleep(0.001) end,
})
"""


class CtlCase(LgenCase):
    """Runs and ctl share a runtime folder that no other run of this machine is in."""

    def setUp(self):
        super().setUp()
        self.env = {"XDG_RUNTIME_DIR": self.folder}

    def start_run(self, name="plan.lua", *flags):
        self.write(name, 'local lgen = require "lgen"\n' + EXTERNAL)
        run = self.start(name, "--quiet", "--out", f"json={self.path(name)}.json", *flags, env=self.env)
        self.addCleanup(run.__exit__)
        self.socket = self.path(f"lgen/{run.process.pid}.sock")
        eventually(lambda: os.path.exists(self.socket), "the control socket")
        return run

    def ctl(self, *words):
        return self.run_words("ctl", *words, env=self.env)

    def obeyed(self, *words):
        ended = self.ctl(*words)
        self.check(ended, 0)
        return ended.out

    def status(self, *words):
        return json.loads(self.obeyed("status", "--json", *words))

    def scenario(self, name):
        return next(s for s in self.status()["scenarios"] if s["name"] == name)


class OrdersTest(CtlCase):
    def test_a_run_obeys_and_remembers(self):
        run = self.start_run("plan.lua", "--out", self.path("r.ndjson"))
        eventually(lambda: self.scenario("fix")["started"] > 3, "iterations")
        self.assertRegex(self.obeyed("status"), r"plan\.lua: run \d+, .*\next +\[.*\nfix +\[.*\n$")
        self.assertEqual(self.obeyed("scale", "ext", "4"), "scenario 'ext' has 4 VUs from now on\n")
        eventually(lambda: self.scenario("ext")["vus"] == 4, "4 VUs")
        self.assertEqual(self.obeyed("pause"), "paused: no iteration starts, what runs goes on\n")
        eventually(lambda: self.scenario("fix")["running"] == self.scenario("ext")["running"] == 0, "the last iterations")
        before = self.scenario("fix"), self.scenario("ext")
        self.assertTrue(self.status()["paused"])
        self.assertIn("paused", self.obeyed("status"))
        for _ in range(5):
            self.status()
        after = self.scenario("fix"), self.scenario("ext")
        self.assertEqual([s["started"] for s in after], [s["started"] for s in before])
        self.assertEqual(after[0]["elapsed"], before[0]["elapsed"])
        self.check(self.ctl("pause"), 104, f"lgen: ctl: run {run.process.pid}: it is paused already")
        self.assertEqual(self.obeyed("resume"), "resumed\n")
        eventually(lambda: self.scenario("fix")["started"] > after[0]["started"], "iterations after the pause")
        self.assertEqual(self.obeyed("stop", "ext"), "stopping scenario 'ext'\n")
        eventually(lambda: self.scenario("ext")["finished"], "the end of ext")
        self.assertFalse(self.scenario("fix")["finished"])
        self.assertEqual(self.obeyed("stop"), "stopping the run\n")
        self.assertEqual(run.wait(), 105)
        self.assertFalse(os.path.exists(self.socket))
        self.check_summary()
        events = [line for line in self.ndjson() if line["type"] == "event"]
        self.assertEqual([line["name"] for line in events], ["ctl_scale", "ctl_pause", "ctl_resume", "ctl_stop", "ctl_stop"])
        self.assertEqual([line["at"] for line in events], sorted(line["at"] for line in events))
        self.assertGreater(events[0]["at"], 0)

    def ndjson(self):
        with open(self.path("r.ndjson"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def check_summary(self):
        with open(self.path("plan.lua.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertEqual((summary["run"]["end"], summary["run"]["end_reason"]), ("signal", "lgen ctl stop"))
        orders = [(event["name"], event["fields"]) for event in summary["events"] if event["name"].startswith("ctl_")]
        self.assertEqual(orders, [("ctl_scale", {"scenario": "ext", "vus": 4}), ("ctl_pause", {}), ("ctl_resume", {}),
                                  ("ctl_stop", {"scenario": "ext"}), ("ctl_stop", {})])
        fix = next(s for s in summary["scenarios"] if s["name"] == "fix")
        self.assertEqual(fix["scheduled"], fix["started"] + fix["dropped"])
        self.assertEqual(fix["dropped"], 0)
        self.assertEqual(summary["conservation"], "")
        pause, resume = [event["at"] for event in summary["events"] if event["name"] in ("ctl_pause", "ctl_resume")]
        run = summary["run"]
        self.assertGreater(run["paused"], 0)
        self.assertLessEqual(run["paused"], resume - pause + 0.001)
        self.assertLessEqual(run["paused"], fix["paused"])

    def test_only_its_owner_may_use_it(self):
        self.start_run()
        self.assertEqual(stat.S_IMODE(os.stat(self.path("lgen")).st_mode), 0o700)
        self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o600)

    def test_several_runs(self):
        first, second = self.start_run("one.lua"), self.start_run("two.lua")
        ended = self.ctl("status")
        self.check(ended, 104, "lgen: ctl: 2 runs go on; choose one with --pid:", f"{first.process.pid}  {self.path('one.lua')}",
                   f"{second.process.pid}  {self.path('two.lua')}")
        self.assertIn("two.lua", self.status("--pid", second.process.pid)["plan"])


class PausedThresholdTest(CtlCase):
    def test_the_time_a_threshold_leaves_out_stands_still_in_a_pause(self):
        self.write("plan.lua", """local lgen = require "lgen"
local early = lgen.counter("early")
lgen.threshold("early", "count == 0", { after = "4s" })
local n = 0
lgen.scenario("s", {
  load = lgen.load.constant_rate { rate = 20, max_vus = 5, duration = "5s" },
  run = function()
    n = n + 1
    if n <= 20 then early:add() end -- of the load's first second
  end,
})
""")
        run = self.start("plan.lua", "--quiet", "--validity", "warn", "--out", f"json={self.path('r.json')}", env=self.env)
        self.addCleanup(run.__exit__)
        self.socket = self.path(f"lgen/{run.process.pid}.sock")
        eventually(lambda: os.path.exists(self.socket), "the control socket")
        self.obeyed("pause")
        eventually(lambda: self.status()["elapsed"] > 5, "more seconds than the threshold leaves out")
        self.obeyed("resume")
        self.assertEqual(run.wait(), 0)
        with open(self.path("r.json"), encoding="utf-8") as file:
            summary = json.load(file)
        self.assertGreater(summary["run"]["paused"], 0)
        self.assertEqual(summary["metrics"]["early"]["series"][0]["value"], 20)


class RefusedTest(CtlCase):
    def test_words(self):
        rows = [((), "what shall it do? There are status, pause, resume, scale, stop"),
                (("puase",), "unknown order 'puase' (did you mean 'pause'?); there are status"),
                (("scale", "ext"), "scale: which scenario, to how many VUs? lgen ctl scale SCENARIO VUS"),
                (("pause", "ext"), "pause: 'ext' is one word too many"),
                (("stop", "a", "b"), "stop: 'b' is one word too many"),
                (("status", "--pid", "x"), "--pid: a process id is expected, got 'x'"),
                (("status",), f"no run goes on (looked in {self.folder}/lgen)"),
                (("status", "--pid", "4194304"), "there is no process 4194304"),
                (("status", "--pid", str(os.getpid())), f"process {os.getpid()} is no run of lgen that can be controlled")]
        for words, message in rows:
            with self.subTest(words):
                self.check(self.ctl(*words), 104, "lgen: ctl: " + message)

    def test_orders_that_do_not_fit(self):
        run = self.start_run()
        who = f"lgen: ctl: run {run.process.pid}: "
        rows = [(("scale", "etx", "3"), who + "no scenario 'etx' (did you mean 'ext'?)"),
                (("scale", "ext", "6"), who + "scenario 'ext' has at most 5 VUs (its max_vus), got 6"),
                (("scale", "fix", "3"), who + "scenario 'fix' has the load constant_rate, which sets its VUs itself"),
                (("scale", "ext", "1.5"), who + "VUs: a whole number is expected, got '1.5'"),
                (("stop", "x y&z"), who + "no scenario 'x y&z'"),
                (("resume",), who + "it is not paused")]
        for words, message in rows:
            with self.subTest(words):
                self.check(self.ctl(*words), 104, message)
        self.assertEqual(run.stop(signal.SIGTERM), 105)

    def test_a_socket_left_behind(self):
        run = self.start_run()
        run.process.kill()
        run.process.wait()
        self.assertTrue(os.path.exists(self.socket))
        self.check(self.ctl("status", "--pid", run.process.pid), 104,
                   f"run {run.process.pid} is gone; the socket it had left behind is removed")
        self.assertFalse(os.path.exists(self.socket))

    def test_what_answers_is_no_run(self):
        os.mkdir(self.path("lgen"), 0o700)
        path = self.path("lgen/1.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            with Program([binary("lgen"), "ctl", "status"], self.env) as ctl:
                with listener.accept()[0], listener.accept()[0] as connection:  # the first one only knocks
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
                    ctl.err.wait_for(f"what answers at {path} is no run of lgen")
                    self.assertEqual(ctl.wait(), 104)

    def test_a_folder_that_others_reach_is_not_used(self):
        os.mkdir(self.path("lgen"), 0o755)
        os.chmod(self.path("lgen"), 0o755)
        self.plan(body="lgen.sleep(0.01)")
        self.check(self.run_words("plan.lua", "--quiet", env=self.env), 0)
        self.assertEqual(os.listdir(self.path("lgen")), [])

    @unittest.skipUnless(os.geteuid() == 0, "only root can give files away")
    def test_what_belongs_to_another_user(self):
        sleeper = subprocess.Popen(["sleep", "60"], user="nobody")
        try:
            self.check(self.ctl("pause", "--pid", sleeper.pid), 104,
                       f"process {sleeper.pid} belongs to nobody, who alone may control it")
        finally:
            sleeper.kill()
            sleeper.wait()


if __name__ == "__main__":
    unittest.main()
