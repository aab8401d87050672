"""lgen under test: run with a plan, and what its JSON summary says."""

import collections
import json
import os
import signal
import tempfile

from programs import Program, binary
from waiting import PATIENCE_SECONDS

REPOSITORY = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "..", ".."))
MULTI_CHANNEL = os.path.join(REPOSITORY, "plans", "multi_channel.lua")

# Exit codes.
FAILED, CONFIGURATION, STOPPED = 99, 104, 105

# Streams that start at once and a hold that is long enough for 10 messages: what most tests want.
QUICK = ["--stagger", "0s..5ms", "--hold", "1s"]
# So many streams of 4 channels, so far apart, that two channels hardly ever take turns throughout: behind a balancer that
# goes round two pods each of them would stay on one. (By simulation: one run in 100 with 30 streams, none in 40,000 so.)
SHUFFLED = ["--streams", 120, "--stagger", "0s..50ms"]


class Summary:
    """What a run left behind, as its JSON file tells it."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.json = json.load(file)

    def total(self, metric):
        """Of a counter or a gauge; 0 when it was never used."""
        return self.json["metrics"].get(metric, {"total": {"value": 0}})["total"]["value"]

    def totals(self, metric, *labels):
        """{value of the label: sum}, without zeros; with several labels the keys are tuples."""
        sums = collections.Counter()
        for series in self.json["metrics"].get(metric, {"series": []})["series"]:
            values = tuple(series["labels"].get(label, "") for label in labels)
            sums[values if len(labels) > 1 else values[0]] += series["value"]
        return {key: value for key, value in sums.items() if value}

    @property
    def verdict(self):
        return self.json["distributions"][0]["verdict"]

    def matrix(self):
        """{(row, backend): streams} of the first distribution, without zeros."""
        table = self.json["distributions"][0]["table"]
        return {(row, col): n for row, counts in zip(table["row_names"], table["counts"])
                for col, n in zip(table["col_names"], counts) if n}

    def events(self, name):
        """The fields of every event of that name, in order."""
        return [event["fields"] for event in self.json["events"] if event["name"] == name]

    @property
    def connections(self):
        return self.json["connections"]

    @property
    def channels(self):
        return self.json["channels"]

    @property
    def notes(self):
        return self.json["run"]["notes"]


class Run(Program):
    """lgen at work. `finish()` waits for its end; then `code`, `stdout`, `stderr` and `summary` are known."""

    def __init__(self, plan, *flags, env=None):
        self._directory = tempfile.TemporaryDirectory(prefix="lgen-test-")
        self._json = os.path.join(self._directory.name, "summary.json")
        command = [binary("lgen"), plan, *map(str, flags), "--out", "json=" + self._json]
        command += ["--validity", "warn"]  # a busy machine must not fail a test
        super().__init__(command, dict({"LC_ALL": "C.UTF-8"}, **(env or {})))

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._directory.cleanup()

    def finish(self, patience=PATIENCE_SECONDS):
        self.code = self.wait(patience)
        self.stdout = "\n".join(self.out.all_until_end()) + "\n"
        self.stderr = "\n".join(self.err.all_until_end()) + "\n"
        self.summary = Summary(self._json) if os.path.exists(self._json) else None
        return self

    def interrupt(self):
        """Ctrl-C, then the end: for runs that last until a test has seen what it waits for."""
        self.send_signal(signal.SIGINT)
        return self.finish()


def run(plan, *flags, env=None):
    with Run(plan, *flags, env=env) as running:
        return running.finish()


def multi_channel(target, *flags, env=None):
    return run(MULTI_CHANNEL, "--target", target, *flags, env=env)
