"""--local: the stand-in cluster for the length of a run, and what keeps it from starting."""

import os
import shutil
import signal
import socket
import subprocess

from lgen_runs import CALLS, Ended, LgenCase, clean_environment
from programs import Program, binary
from waiting import eventually


class LocalTest(LgenCase):
    def refused(self, spec, *texts, env=None, code=104):
        self.plan(CALLS)
        flag = f"--local={spec}" if spec else "--local"
        ended = self.run_words("plan.lua", flag, "--quiet", env=env)
        self.check(ended, code, *texts)
        return ended

    def test_what_it_does_not_know(self):
        self.refused("pdos=3", "--local: 'pdos=3': write pods=3,balance=connection|stream|zones,zones=2 "
                     "or manifests=PATH,service=NAME,time-scale=20 (did you mean 'pods'?)")
        self.refused("pods", "--local: 'pods': write pods=3,")
        rows = [
            ("pods=x", "'pods=x': a whole number from 1 to 244 is expected"),
            ("pods=0", "'pods=0': a whole number from 1 to 244 is expected"),
            ("pods=", "'pods=': a whole number from 1 to 244 is expected"),
            ("balance=zone", "'balance=zone': there are connection, stream, zones (did you mean 'zones'?)"),
            ("balance=x", "'balance=x': there are connection, stream, zones\n"),
            ("balance=zones,zones=two", "'zones=two': a whole number from 1 to 26 is expected"),
            ("zones=2", "'zones=2': goes with balance=zones only"),
            ("pods=2,balance=zones,zones=2", "'pods=2': balance=zones needs two pods in each zone, here pods=4"),
            ("manifests=x.yaml,pods=3", "'pods=3': with manifests these say it"),
            ("time-scale=20", "'time-scale=20': goes with manifests only"),
            ("service=web", "'service=web': goes with manifests only"),
            ("metric-lag=2m", "'metric-lag=2m': goes with manifests only"),
            ("balance=zones,pods=3", "'pods=3': balance=zones needs two pods in each zone, here pods=4"),
        ]
        for spec, message in rows:
            with self.subTest(spec):
                ended = self.refused(spec, "lgen: --local: " + message)
                self.assertEqual(len(ended.err.splitlines()), 1, ended)

    def run_beside(self, script):
        """A run of a copy of lgen that has `script` in lgen-cluster's place (None: nothing)."""
        shutil.copy(binary("lgen"), self.path("lgen"))
        if script is not None:
            self.write("lgen-cluster", script)
            os.chmod(self.path("lgen-cluster"), 0o755)
        self.plan(CALLS)
        done = subprocess.run([self.path("lgen"), "plan.lua", "--local=pods=1"], cwd=self.folder,
                              env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def test_without_haproxy(self):
        ended = self.run_beside(f'#!/bin/sh\nexec "{binary("lgen-cluster")}" --haproxy no-such-haproxy "$@"\n')
        self.check(ended, 104, "no-such-haproxy", "--local: the stand-in cluster did not start")

    def test_without_lgen_cluster(self):
        self.check(self.run_beside(None), 104, "--local: cannot start ",
                   "lgen-cluster: No such file or directory; it is built and installed beside lgen")

    def test_a_bad_plan_is_refused_before_the_cluster_starts(self):
        self.plan(CALLS + "error('boom')")
        ended = self.run_words("plan.lua", "--local", env={"PATH": self.folder})
        self.check(ended, 104, "lgen: plan.lua:7: boom")

    def test_the_smallest_one(self):
        self.plan(CALLS, 'lgen.check("replied", ch:call(SayHello, { name = "x" }))')
        ended = self.run_plan("plan.lua", "--local=pods=1")
        self.check(ended, 0)
        self.assertTrue(any("--local: 1 pods behind HAProxy" in note for note in ended.summary["run"]["notes"]), ended)


class EarlySignalTest(LgenCase):
    """Ctrl-C while the cluster is still starting: what was started is stopped."""

    SLOW = """#!/bin/sh
sleep 3600 &
trap "kill $!; echo stopped > STOPPED; exit 0" TERM
echo cluster is starting >&2
wait
"""

    def start_slowly(self):
        shutil.copy(binary("lgen"), self.path("lgen"))
        self.write("lgen-cluster", self.SLOW.replace("STOPPED", self.path("stopped")))
        os.chmod(self.path("lgen-cluster"), 0o755)
        self.plan(CALLS)
        run = Program([self.path("lgen"), self.path("plan.lua"), "--local=pods=1"], clean_environment())
        self.addCleanup(run.__exit__)
        run.err.wait_for("cluster is starting")
        return run

    def test_the_first_signal_stops_the_cluster(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                run = self.start_slowly()
                run.send_signal(number)
                self.assertEqual(run.wait(), 105)
                self.assertIn("lgen: --local: interrupted while the stand-in cluster was starting",
                              run.err.all_until_end())
                os.remove(self.path("stopped"))

    def test_the_real_cluster(self):
        self.plan(CALLS)
        run = self.start("plan.lua", "--local=pods=1")
        self.addCleanup(run.__exit__)
        children = f"/proc/{run.process.pid}/task/{run.process.pid}/children"

        def cluster():
            with open(children, encoding="ascii") as file:
                return file.read().split()

        (pid,) = eventually(cluster, "lgen-cluster started")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(), 105)
        self.assertFalse(os.path.exists(f"/proc/{pid}"), "lgen-cluster is still there")


class ClusterPortTest(LgenCase):
    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = str(taken.getsockname()[1])
            done = subprocess.run([binary("lgen-cluster"), "--pods", "1", "--port", port], cwd=self.folder,
                                  env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
            self.assertNotEqual(done.returncode, 0, done)
            self.assertRegex(done.stderr, f"{port}.*in use")
