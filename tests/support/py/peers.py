"""Servers of another make that lgen is tested against: etcd, and the echo servers in tests/peers."""

import json
import os
import re
import sys
import tempfile

from programs import Program, Server, http_get, parse_metrics
from protos import PEERS_DIR, PROTO_DIR
from waiting import eventually, free_ports


def plan(name):
    """The path of a plan in tests/peers."""
    return os.path.join(PEERS_DIR, name)


def ready_line(program, name, lines, pattern):
    """The match that says the program is ready; it does not outlive its failure to say so."""
    try:
        return lines.wait_for(pattern)
    except AssertionError as error:
        program.__exit__()
        raise AssertionError(f"{name} is not ready:\n" + "\n".join(program.err.all())) from error


class Etcd(Program):
    """A cluster of one etcd with an empty store; ready when constructed."""

    def __init__(self):
        self._directory = tempfile.TemporaryDirectory(prefix="lgen-etcd-")
        client, peer, metrics = (f"http://127.0.0.1:{port}" for port in free_ports(3))
        super().__init__([
            "etcd", "--data-dir", os.path.join(self._directory.name, "data"), "--metrics", "extensive",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}",
            "--listen-metrics-urls", metrics])
        self.target = client.removeprefix("http://")
        self._metrics_url = metrics + "/metrics"
        ready_line(self, "etcd", self.err, "ready to serve client requests")

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._directory.cleanup()

    def metrics(self):
        return parse_metrics(http_get(self._metrics_url)[1])

    def counts(self, metric, *labels):
        """{(service/method, more labels...): count} of one of etcd's grpc_server metrics, without zeros."""
        found = {}
        for series, value in self.metrics().items():
            name, _, words = series.partition("{")
            if name == metric and value:
                of = dict(re.findall(r'(\w+)="([^"]*)"', words))
                found[(f"{of['grpc_service']}/{of['grpc_method']}", *(of[label] for label in labels))] = int(value)
        return found


class Books:
    """What an echo server has counted: {(method, code): calls}, {method: messages read}, and written."""

    def __init__(self, calls, read, written):
        self.calls, self.read, self.written = calls, read, written


class EchoPeer(Program):
    """One of the echo servers in tests/peers; ready when constructed."""

    def __init__(self, command, env=None):
        super().__init__(command, env)
        ready = ready_line(self, self.name, self.out, r"^listening on (\d+)$")
        self.target = "127.0.0.1:" + ready[1]

    def close_books(self, _):
        """Stops the server, which finishes its calls first, and gives what it has counted."""
        self.stop()
        counts = json.loads(self.out.wait_for(r"^\{.*\}$")[0])
        return Books({tuple(key.split(" ")): n for key, n in counts["calls"].items()}, counts["read"],
                     counts["written"])


class GrpcioEcho(EchoPeer):
    name, backend, compresses_replies = "Python's grpcio", "grpcio", True
    # Its iterator of requests ends alike when the caller closes its side and, often, when it cancels.
    mistakes_cancel_for_end = True

    def __init__(self):
        super().__init__([sys.executable, "-B", plan("echo_grpcio.py")], {"PYTHONPATH": os.path.dirname(__file__)})


class NodeEcho(EchoPeer):
    """Needs what tests/peers/node/install has put beside the programs under test."""

    name, backend, compresses_replies = "Node.js' grpc-js", "grpc-js", False
    mistakes_cancel_for_end = False

    def __init__(self):
        super().__init__(["node", plan("node/echo_server.js"), PROTO_DIR, PEERS_DIR],
                         {"NODE_PATH": os.path.join(os.environ["LGEN_BIN_DIR"], "..", "node", "node_modules")})


ECHO_SERIES = re.compile(r'grpc_server_call_duration_seconds_count\{grpc_method="(lgen\.echo[^"]*)",'
                         r'grpc_status="(\w+)"\}')


class LgenEcho(Server):
    """lgen-server in the same role."""

    name, backend, compresses_replies = "lgen-server", "lgen-server", False
    mistakes_cancel_for_end = False

    def __init__(self):
        super().__init__("--pod", self.backend)

    def close_books(self, calls):
        """What it has counted, once that is as many calls as expected: it writes an end down after the caller has it."""
        eventually(lambda: sum(self._calls().values()) >= calls, f"{calls} calls in the metrics of lgen-server")
        return Books(self._calls(), None, None)

    def _calls(self):
        found = {}
        for series, value in self.metrics().items():
            match = ECHO_SERIES.match(series)
            if match and value:
                found[match.groups()] = int(value)
        return found


ECHO_SERVERS = [LgenEcho, GrpcioEcho, NodeEcho]
