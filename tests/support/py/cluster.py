"""lgen-cluster under test: started, read, hurt and stopped."""

import contextlib
import csv
import glob
import io
import json
import os
import signal
import socket

from pod_logs import PodLog
from programs import Program, binary, http_get, parse_metrics, strip_prefix
from waiting import PATIENCE_SECONDS, eventually

READY = r"^lgen-cluster ready: (address=.*)$"


def is_running(pid):
    """Whether the process is there and not merely waiting to be reaped."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):  # the second: reaped between open and read
        return False


def processes_below(pid):
    """Every process below `pid`, as {pid: name}."""
    found = {}
    for path in glob.glob(f"/proc/{pid}/task/*/children"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            with open(path, encoding="ascii") as file:
                direct = [int(word) for word in file.read().split()]
            for child in direct:
                with open(f"/proc/{child}/comm", encoding="utf-8") as file:
                    found[child] = file.read().strip()
                found.update(processes_below(child))
    return found


class Cluster(Program):
    """lgen-cluster on a free port; ready when constructed, stopped at the end of a `with` block.

    address      "127.0.0.1:PORT" of HAProxy
    facts        the ready line's words as a dict (balance, pods, sd, run, logs, ...)
    pods         the pods' names in order of their addresses
    """

    def __init__(self, *flags, pods=None, balance=None, pod_flags=(), port=0, wait=True, program=None, env=None):
        command = [program or binary("lgen-cluster"), "--port", str(port)]
        command += ["--pods", str(pods)] if pods else []
        command += ["--balance", balance] if balance else []
        command += [str(flag) for flag in flags]
        command += ["--", *map(str, pod_flags)] if pod_flags else []
        super().__init__(command, env)
        if wait:
            self.wait_until_ready()

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.stop()
        super().__exit__(*exception)

    def wait_until_ready(self):
        try:
            line = self.out.wait_for(READY)[1]
        except AssertionError as error:
            raise AssertionError("lgen-cluster is not ready:\n" + "\n".join(self.err.all())) from error
        self.facts = dict(word.split("=", 1) for word in line.split(" "))
        self.address = self.facts["address"]
        self.pods = [group["labels"]["pod"] for group in self.service_discovery()]

    def service_discovery(self):
        return json.loads(http_get(self.facts["sd"])[1])

    # What the pods say.

    def pid(self, name):
        """Of a pod, or of "haproxy"."""
        with open(os.path.join(self.facts["run"], name + ".pid"), encoding="ascii") as file:
            return int(file.read())

    def pids(self):
        return [self.pid(name) for name in [*self.pods, "haproxy"]]

    def log_path(self, pod):
        return os.path.join(self.facts["logs"], pod + ".log")

    def log(self, pod):
        """The pod's log lines so far, without their time stamps."""
        with open(self.log_path(pod), encoding="utf-8") as file:
            return [strip_prefix(line.rstrip("\n")) for line in file]

    def wait_until_idle(self, pods=None):
        """Until the pods have written down the end of every stream: a client may know of it a moment earlier."""
        for pod in pods or self.pods:
            eventually(lambda pod=pod: self.is_idle(pod), f"the end of every stream in the log of {pod}")

    def is_idle(self, pod):
        log = PodLog(self.log(pod))
        return log.finished == log.opened and self.metrics(pod)["grpc_server_active_streams"] == 0

    def metrics(self, pod):
        for group in self.service_discovery():
            if group["labels"]["pod"] == pod:
                return parse_metrics(http_get(f"http://{group['targets'][0]}/metrics")[1])
        raise KeyError(pod)

    def sum_of(self, metric):
        """Over the running pods."""
        return sum(self.metrics(group["labels"]["pod"])[metric] for group in self.service_discovery())

    # What HAProxy says.

    def runtime(self, command):
        """The answer of HAProxy's runtime API."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_SECONDS)
            client.connect(os.path.join(self.facts["run"], "haproxy.sock"))
            client.sendall(command.encode() + b"\n")
            with client.makefile(encoding="utf-8") as answer:
                return answer.read()

    def stats(self):
        """{(proxy, server): {column: text}}; the front is ("edge", "FRONTEND"), a pod ("pods", "pod-1")."""
        text = self.runtime("show stat").removeprefix("# ").strip()
        return {(row["pxname"], row["svname"]): row for row in csv.DictReader(io.StringIO(text))}

    def accepted_connections(self):
        """Connections ever accepted at the front."""
        return int(self.stats()["edge", "FRONTEND"]["stot"])

    def status(self, pod):
        """HAProxy's opinion of a pod: "UP" or "DOWN"; the count of checks on the way to the other is left out."""
        return next(row["status"].split()[0] for (_, server), row in self.stats().items() if server == pod)

    def wait_for_status(self, pod, status):
        eventually(lambda: self.status(pod) == status, f"{pod} {status} in HAProxy")

    # What can happen.

    @contextlib.contextmanager
    def frozen_pod(self, pod):
        """While it lasts, `pod` accepts what the kernel accepts for it and answers nothing."""
        pid = self.pid(pod)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def kill_pod(self, pod, number=signal.SIGKILL):
        """`pod` is a name or a position. Returns its pid, once it is gone and HAProxy has noticed."""
        name = pod if isinstance(pod, str) else self.pods[pod]
        pid = self.pid(name)
        os.kill(pid, number)
        eventually(lambda: not is_running(pid), f"the end of {name}")
        self.wait_for_status(name, "DOWN")
        return pid
