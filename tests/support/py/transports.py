"""gRPC's two transports in tests: the same run over each, and where DESIGN.md says that they differ."""

import collections
import contextlib
import os
import re

import lgen

TRANSPORTS = ["grpc", "h2"]


def plan(name):
    """The path of a plan of the conformance tests."""
    return os.path.join(lgen.REPOSITORY, "tests", "integration", "conformance", name)


HEADING = "## Where the transports differ"


class Differences:
    """The table below HEADING in DESIGN.md: the one list of what may differ. A row says for one or several cases what
    each transport does; cases and codes are in backticks."""

    def __init__(self):
        with open(os.path.join(lgen.REPOSITORY, "DESIGN.md"), encoding="utf-8") as file:
            text = file.read().split(HEADING + "\n", 1)[1].split("\n## ", 1)[0]
        self._rows = {}
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| `"):
                says = {transport: re.findall("`([^`]*)`", cell) for transport, cell in zip(TRANSPORTS, cells[1:])}
                self._rows.update(dict.fromkeys(re.findall("`([^`]*)`", cells[0]), says))

    def scripts(self):
        """The cases that are names of scripts (with a form or without), and no sentences."""
        return [name for name, says in self._rows.items() if " " not in name and ["refused"] not in says.values()]

    def of(self, name, transport):
        """What the table says in backticks of this case and transport; None if it says nothing."""
        row = self._rows.get(name)
        return row and row[transport]

    def refusing(self, name):
        """The transports that the table says refuse this."""
        return [transport for transport in TRANSPORTS if self.of(name, transport) == ["refused"]]


@contextlib.contextmanager
def both_running(plan_file, *flags, transports=tuple(TRANSPORTS)):
    """{transport: a run of the plan}, side by side."""
    with contextlib.ExitStack() as stack:
        yield {transport: stack.enter_context(lgen.Run(plan_file, "--transport", transport, *flags))
               for transport in transports}


def over_both(plan_file, *flags, transports=tuple(TRANSPORTS)):
    """The same, each to its end."""
    with both_running(plan_file, *flags, transports=transports) as runs:
        for run in runs.values():
            run.finish()
        return runs


# What a plan has done, by everything that must not depend on the transport.
COUNTED = [("grpc_calls", "method", "code"), ("grpc_streams_ended", "method", "code"),
           ("grpc_streams_opened", "method"), ("grpc_messages_sent", "method"), ("grpc_messages_received", "method"),
           ("grpc_messages_confirmed", "method"), ("grpc_connections", "channel"), ("iterations", "scenario")]


def books(summary):
    """{metric: {labels: count}} and the checks' outcomes of a run."""
    counts = {metric: summary.totals(metric, *labels) for metric, *labels in COUNTED}
    counts["checks"] = {check["name"]: (check["passes"], check["fails"]) for check in summary.json["checks"]}
    counts["errors"] = collections.Counter()
    for error in summary.json["errors"]:
        counts["errors"][error["code"]] += error["count"]
    return counts
