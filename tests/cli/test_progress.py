"""What is seen while a plan runs: bars on a terminal, of any size; lines elsewhere."""

import codecs
import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import unittest

from lgen_runs import LgenCase, clean_environment
from programs import binary
from waiting import PATIENCE_SECONDS, eventually

TWO = """
lgen.scenario("first", { load = lgen.load.constant_vus { vus = 2, duration = "10m" }, graceful_stop = "20s",
  run = function(vu) lgen.sleep(0.05) end })
lgen.scenario("second one", { load = lgen.load.constant_rate { rate = 20, max_vus = 2, duration = "10m" },
  run = function(vu) lgen.sleep(STEP) end })
"""
CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|\r")


class OnTerminal:
    """lgen with stderr on a terminal of its own."""

    def __init__(self, folder, env, *words, columns=80, rows=24):
        self.master, slave = os.openpty()
        self.resize(columns, rows, tell=False)
        self.text = ""
        self.process = subprocess.Popen([binary("lgen"), *words], cwd=folder, env=clean_environment(env),
                                        stdout=subprocess.DEVNULL, stderr=slave)
        os.close(slave)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(PATIENCE_SECONDS)
        os.close(self.master)

    def read(self):
        decoder = codecs.getincrementaldecoder("utf-8")()  # a character may come in two pieces
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the other end is closed
                return
            if not data:
                return
            self.text += decoder.decode(data)

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            self.process.send_signal(signal.SIGWINCH)

    def lines(self, since=0):
        return CONTROL.sub("", self.text[since:]).split("\n")[:-1]

    def wait_for(self, pattern, since=0):
        eventually(lambda: any(re.search(pattern, line) for line in self.lines(since)), pattern)


class TerminalTest(LgenCase):
    def setUp(self):
        super().setUp()
        self.env = {"XDG_RUNTIME_DIR": self.folder}

    def start_on_terminal(self, step="0.01", **size):
        self.write("plan.lua", 'local lgen = require "lgen"\n' + TWO.replace("STEP", step))
        run = OnTerminal(self.folder, self.env, "plan.lua", **size)
        self.addCleanup(run.__exit__)
        return run

    def test_a_bar_for_each_scenario_one_below_the_other(self):
        run = self.start_on_terminal()
        run.wait_for(r"^second one \[")
        bars = {line.split("[")[0]: line for line in run.lines() if "[" in line}
        self.assertEqual(set(bars), {"first      ", "second one "})
        for line in run.lines():
            self.assertLess(len(line), 80, line)

    def test_a_terminal_that_becomes_narrower(self):
        run = self.start_on_terminal()
        run.wait_for(r"^second one \[")
        run.resize(40, 24)
        run.wait_for("…$")
        eventually(lambda: run.text.count("\x1b[4A") > 0, "what was broken by the terminal is erased as a whole")
        mark = len(run.text)
        run.wait_for(r"^second one \[", mark)
        for line in run.lines(mark)[1:]:
            self.assertLess(len(line), 40, line)

    def test_more_scenarios_than_rows(self):
        self.write("plan.lua", 'local lgen = require "lgen"\nfor i = 1, 9 do lgen.scenario("s" .. i, { load = lgen.load.constant_vus '
                   '{ vus = 1, duration = "10m" }, run = function() lgen.sleep(0.1) end }) end\n')
        with OnTerminal(self.folder, self.env, "plan.lua", rows=6) as run:
            run.wait_for("^and 6 scenarios more$")
            self.assertFalse(any(line.startswith("s4") for line in run.lines()))

    def test_ctrl_c_shows_the_stop(self):
        run = self.start_on_terminal(step="10", columns=120)
        run.wait_for(r"^second one \[.* waiting")  # both of its VUs are busy
        run.process.send_signal(signal.SIGINT)
        run.wait_for(r"^second one stopping: waiting for 2 iterations to end, at most \d\.\ds")
        mark = len(run.text)
        run.wait_for("stopping", mark)
        self.assertFalse(any("[" in line and line.startswith("second") for line in run.lines(mark)[1:]))

    def test_a_pause_is_seen(self):
        run = self.start_on_terminal()
        run.wait_for(r"^second one \[")
        self.check(self.run_words("ctl", "pause", env=self.env), 0)
        run.wait_for(r"paused at \d+\.\ds of 10m00s")


class PipeTest(LgenCase):
    def test_a_reader_that_leaves_does_no_harm(self):
        self.plan(body="lgen.sleep(6)")
        ended = self.run_shell('"$LGEN" plan.lua 2>&1 >/dev/null | head -c 1 | wc -c; echo "${PIPESTATUS[0]}"')
        self.assertEqual(ended.out.split(), ["1", "0"], ended)

    def test_lines_where_there_is_no_terminal(self):
        self.plan(body="lgen.sleep(5.5)")
        ended = self.run_words("plan.lua")
        self.check(ended, 0)
        self.assertRegex(ended.err, r"^s \[=* *\] +\d+%  \d+\.\ds of 20\.0s  1 VU, 0 iterations\n$")


if __name__ == "__main__":
    unittest.main()
