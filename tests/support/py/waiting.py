"""Waiting for things that happen soon: a condition, a port, a line of a program's output."""

import contextlib
import os
import re
import socket
import threading
import time

# Generous: reached only by a test that fails. LGEN_TEST_PATIENCE multiplies it, for programs that a sanitizer slows down.
PATIENCE_SECONDS = 30 * float(os.environ.get("LGEN_TEST_PATIENCE", "1"))


def eventually(probe, what="the condition"):
    """Calls `probe` until its result is true and returns it. An AssertionError names `what` and the last result."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        result = probe()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true; the last answer was {result!r}")
        time.sleep(0.01)


def free_ports(count, host="127.0.0.1"):
    """So many different ports that nobody has at this moment. Where a program can choose its own (port 0), let it."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind((host, 0))
        return [probe.getsockname()[1] for probe in probes]


def free_port(host="127.0.0.1"):
    """One of these."""
    return free_ports(1, host)[0]


@contextlib.contextmanager
def dead_target(host="127.0.0.1"):
    """HOST:PORT where nobody listens, and where no other test can begin to while it lasts."""
    with socket.socket() as held:
        held.bind((host, 0))
        yield f"{host}:{held.getsockname()[1]}"


def accepts_connections(host, port):
    try:
        with socket.create_connection((host, port), timeout=5):
            return True
    except OSError:
        return False


class Lines:
    """The lines of a stream, collected by a thread as they come."""

    def __init__(self, stream):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._collect, args=(stream,), daemon=True)
        self._thread.start()

    def _collect(self, stream):
        for line in stream:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        stream.close()

    def all(self):
        with self._changed:
            return list(self._lines)

    def all_until_end(self):
        """Every line, once the writer has closed its end."""
        self._thread.join(PATIENCE_SECONDS)
        return self.all()

    def wait_for(self, pattern, count=1):
        """The match of `pattern` in the count-th line that has one."""
        expression = re.compile(pattern)

        def matches():
            return [m for m in map(expression.search, self._lines) if m]

        with self._changed:
            self._changed.wait_for(lambda: len(matches()) >= count or self._ended, PATIENCE_SECONDS)
            found = matches()
        if len(found) < count:
            raise AssertionError(f"{count} x {pattern!r} expected, {len(found)} found in:\n" + "\n".join(self.all()))
        return found[count - 1]
