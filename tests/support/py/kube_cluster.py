"""lgen-cluster with Kubernetes' manifests under test: its events, its tables, its orders."""

import json
import os
import subprocess
import tempfile

from cluster import processes_below
from programs import Program, binary, http_get, parse_metrics
from waiting import PATIENCE_SECONDS, eventually

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "cluster")


def data(name):
    """The path of one of the manifests in tests/data/cluster."""
    return os.path.normpath(os.path.join(DATA, name))


def deployment(container="", spec="", pod="", name="server"):
    """A Deployment of lgen-server; the texts are lines of YAML for its container, its spec, its pods' spec."""

    def indented(text, width):
        return "".join(" " * width + line + "\n" for line in text.strip().splitlines())

    return (f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\nspec:\n" + indented(spec, 2) +
            f"  selector: {{matchLabels: {{app: {name}}}}}\n"
            f"  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n" + indented(pod, 6) +
            "      containers:\n      - name: server\n        image: lgen-server\n" + indented(container, 8))


def autoscaler(spec, name="server"):
    lines = "".join("  " + line + "\n" for line in spec.strip().splitlines())
    return (f"---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {{name: {name}}}\nspec:\n"
            f"  scaleTargetRef: {{kind: Deployment, name: {name}}}\n" + lines)


class KubeCluster(Program):
    """lgen-cluster -f on free ports; HAProxy answers when constructed, everything is stopped at the end of `with`.

    `manifests` is a path, or the text itself, which is given on standard input."""

    def __init__(self, manifests, *flags, scale=30, pod_flags=(), port=0, wait=True, env=None):
        text = "\n" in manifests
        command = [binary("lgen-cluster"), "-f", "-" if text else manifests, "--port", str(port)]
        command += ["--time-scale", str(scale), *map(str, flags)]
        command += ["--", *map(str, pod_flags)] if pod_flags else []
        with tempfile.TemporaryFile() as stdin:
            stdin.write(manifests.encode() if text else b"")
            stdin.seek(0)
            super().__init__(command, env, stdin)
        if wait:
            self.wait_until_started()

    def __exit__(self, *exception):
        if self.process.poll() is None:
            self.stop()
        super().__exit__(*exception)

    def wait_until_started(self):
        try:
            self.facts = json.loads(self.out.wait_for(r'^\{"event":"started".*')[0])
        except AssertionError as error:
            raise AssertionError("lgen-cluster has not started:\n" + "\n".join(self.err.all())) from error
        self.address = self.facts["address"]

    # Events.

    def events(self, name=None, **facts):
        """Those so far, of this name and with these facts."""
        found = [json.loads(line) for line in self.out.all()]
        return [one for one in found if name in (None, one["event"])
                and all(one.get(key) == value for key, value in facts.items())]

    def event(self, name, count=1, **facts):
        """The count-th of these, once it has happened."""
        eventually(lambda: len(self.events(name, **facts)) >= count, f"{count} x {name} {facts}")
        return self.events(name, **facts)[count - 1]

    def end_of(self, pod):
        """The names of the events of a pod's end, in their order, once it is gone."""
        self.event("pod_gone", pod=pod)
        steps = ("pod_draining", "endpoint_removed", "pod_stopping", "pod_killed", "pod_stopped", "pod_gone")
        return [one["event"] for one in self.events(pod=pod) if one["event"] in steps]

    # Orders, in kubectl's words.

    def order(self, *words, fails=False):
        """What it prints; if it `fails`, or prints nothing, what it complains of."""
        done = subprocess.run([binary("lgen-cluster"), *words, "--status", self.facts["status"]],
                              capture_output=True, text=True, timeout=2 * PATIENCE_SECONDS, check=False)
        if (done.returncode != 0) != fails:
            raise AssertionError("\n".join([f"{words}: exit code {done.returncode}", done.stdout + done.stderr,
                                            f"the cluster ({self.process.poll()}) said last:", *self.err.all()[-5:]]))
        return done.stderr if fails or not done.stdout else done.stdout

    def watch(self, *words):
        return Program([binary("lgen-cluster"), "get", *words, "-w", "--status", self.facts["status"]])

    def table(self, *words):
        """`get ...` as one dict for each row."""
        lines = self.order("get", *words).splitlines()
        starts = [i for i, c in enumerate(lines[0]) if c != " " and (i == 0 or lines[0][i - 1] == " ")]
        ends = [*starts[1:], None]
        names = lines[0].split()
        return [dict(zip(names, (line[a:b].strip() for a, b in zip(starts, ends)))) for line in lines[1:]]

    def pods(self):
        """Pods by name, without those that are being deleted."""
        return {row["NAME"]: row for row in self.table("pods") if row["STATUS"] != "Terminating"}

    def wait_for_ready(self, count):
        """The names of exactly so many pods, all ready."""
        def ready():
            rows = self.table("pods") if self.events("pod_created") else []
            return len(rows) == count and all(row["READY"] == "1/1" for row in rows) and [row["NAME"] for row in rows]
        return eventually(ready, f"{count} ready pods")

    # Processes.

    def pid(self, pod):
        return self.events("pod_started", pod=pod)[-1]["pid"]

    def processes(self):
        """{pid: name} of everything below it."""
        return processes_below(self.process.pid)

    def metrics(self):
        """{pod: its metrics} of the running pods."""
        groups = json.loads(http_get(self.facts["sd"])[1])
        return {group["labels"]["pod"]: parse_metrics(http_get(f"http://{group['targets'][0]}/metrics")[1])
                for group in groups}
