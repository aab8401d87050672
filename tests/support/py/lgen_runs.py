"""Runs the real lgen on plans written for one test."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest

from programs import Program, binary
from waiting import PATIENCE_SECONDS

PRELUDE = 'local lgen = require "lgen"\n'

# An iteration, for plans that are about something else.
SCENARIO = """
lgen.scenario("s", {
  load = lgen.load.per_vu_iterations { vus = 1, iterations = 1, max_duration = "20s" },
  run = function(vu) BODY end,
})
"""

# One call a VU, to --target.
CALLS = """
local api = lgen.proto { files = { "hello.proto", "echo.proto" } }
local ch = lgen.grpc.channel("main", lgen.target)
local SayHello = api:method "hello.Hello/SayHello"
local Unary = api:method "lgen.echo.Echo/Unary"
"""


class Ended:
    """What a run left behind: code, out, err, and the summary where one was asked for."""

    def __init__(self, code, out, err, summary=None):
        self.code, self.out, self.err, self.summary = code, out, err, summary

    @property
    def message(self):
        """What lgen said last on stderr, without warnings before it."""
        return self.err.strip()

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def clean_environment(extra=None):
    """Ours without what lgen would read from it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LGEN_") and name != "NO_COLOR"}
    return dict(kept, **(extra or {}))


class LgenCase(unittest.TestCase):
    """A test with a folder of its own, in which lgen runs and its plans lie."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lgen-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return name

    def plan(self, text="", body="", name="plan.lua"):
        """Writes a plan: `text` at its top level, `body` in its one iteration. Line 2 is the first one of `text`."""
        return self.write(name, PRELUDE + text + SCENARIO.replace("BODY", body))

    def run_words(self, *words, env=None, stdout=subprocess.PIPE):
        """Runs `lgen words...` to its end."""
        done = subprocess.run([binary("lgen"), *map(str, words)], cwd=self.folder, env=clean_environment(env),
                              stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def run_shell(self, script):
        """Runs a bash script in the folder of the plans; $LGEN is lgen."""
        environment = clean_environment(None) | {"LGEN": binary("lgen")}
        done = subprocess.run(["bash", "-c", script], cwd=self.folder, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=PATIENCE_SECONDS, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def run_plan(self, plan, *flags, env=None):
        """Runs a plan quietly and reads its JSON summary, if it got that far."""
        result = self.path("result.json")
        if os.path.exists(result):
            os.remove(result)
        ended = self.run_words(plan, "--quiet", "--out", f"json={result}", *flags, env=env)
        if os.path.exists(result):
            with open(result, encoding="utf-8") as file:
                ended.summary = json.load(file)
        return ended

    def start(self, plan, *flags, env=None):
        """Starts a run that the test watches."""
        return Program([binary("lgen"), self.path(plan), *map(str, flags)], clean_environment(env))

    def check(self, ended, code, *texts):
        """The exit code, and what must stand on stderr."""
        self.assertEqual(ended.code, code, ended)
        for text in texts:
            self.assertIn(text, ended.err, ended)
