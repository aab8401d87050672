"""Starts and stops the programs under test, and reads what they say."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

from waiting import PATIENCE_SECONDS, Lines, eventually

LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - root - INFO - ")


def binary(name):
    """The path of one of lgen's programs; LGEN_BIN_DIR says where they were built."""
    return os.path.join(os.environ["LGEN_BIN_DIR"], name)


def http_get(url):
    """(status, body, headers), whatever the status; a connection that fails raises OSError."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=PATIENCE_SECONDS) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers


def parse_metrics(text):
    """{'name{label="value"}': number} of a page in Prometheus' text format."""
    samples = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            samples[name] = float(value)
    return samples


class Program:
    """A child process whose output lines are collected; dies with the `with` block it is used in."""

    def __init__(self, command, env=None, stdin=None):
        environment = dict(os.environ, **(env or {}))
        self.process = subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.all_until_end()
        self.err.all_until_end()

    def send_signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE_SECONDS):
        """The exit code, once the process has ended."""
        return self.process.wait(patience)

    def stop(self, number=signal.SIGTERM):
        self.send_signal(number)
        return self.wait()


class Server(Program):
    """lgen-server on ports of its own choice, or whatever `flags` say. Ready when constructed, unless told otherwise."""

    def __init__(self, *flags, wait=True, host="127.0.0.1", env=None):
        base = [binary("lgen-server"), "--bind", host, "--grpc-port", "0", "--metrics-port", "0", "--http-port", "0"]
        clean = {"POD_NAME": "", "ZONE": "", "APP_VERSION": "v1"}
        super().__init__(base + [str(flag) for flag in flags], dict(clean, **(env or {})))
        self.host = host
        if wait:
            self.wait_until_listening()
            eventually(lambda: self.get("/readyz")[0] == 200, "readiness")

    def wait_until_listening(self):
        self.metrics_port = int(self.out.wait_for(r"Prometheus metrics server started on port (\d+)\.")[1])
        self.http_port = int(self.out.wait_for(r"HTTP server started on port (\d+)\.")[1])
        self.grpc_port = int(self.out.wait_for(r"gRPC server started on port (\d+) ")[1])

    @property
    def target(self):
        return f"{self.host}:{self.grpc_port}"

    def get(self, path):
        return http_get(f"http://{self.host}:{self.metrics_port}{path}")

    def metrics(self):
        return parse_metrics(self.get("/metrics")[1])

    def wait_for_metric(self, name, value):
        eventually(lambda: self.metrics().get(name) == value, f"{name} == {value}")

    def log(self):
        """The log lines so far, without their time stamps; every line must have one."""
        return [strip_prefix(line) for line in self.out.all()]


def strip_prefix(line):
    found = LOG_PREFIX.match(line)
    if not found:
        raise AssertionError(f"not a log line: {line!r}")
    return line[found.end():]


def python_program(module, *flags):
    """Runs one of the modules beside this file as a program of its own."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), module + ".py")
    return Program([sys.executable, "-u", path, *map(str, flags)])
