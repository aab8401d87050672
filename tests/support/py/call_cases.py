"""What the tests of `lgen list`, `describe` and `call` have in common."""

import json
import subprocess
from concurrent import futures

import grpc

from lgen_runs import LgenCase, clean_environment
from programs import binary
from protos import PROTO_DIR
from waiting import PATIENCE_SECONDS, Lines

# Where the schema comes from when the server does not say.
ECHO_FILE = ["-import-path", PROTO_DIR, "-proto", "echo.proto"]
HELLO_FILE = ["-import-path", PROTO_DIR, "-proto", "hello.proto"]

# Something to do for each of the three that needs both the schema and, in the last case, the server.
OPERANDS = {"list": ["lgen.echo.Echo"], "describe": ["lgen.echo.Echo"], "call": ["lgen.echo.Echo/Unary"]}


class CallCase(LgenCase):
    transport, over = (), ""  # flags of every command, and what -v says of them

    def call(self, target, method, *flags, data=None, env=None):
        words = [] if data is None else ["-d", data if isinstance(data, str) else json.dumps(data)]
        return self.run_words("call", *self.transport, *flags, *words, target, method, env=env)

    def replies(self, ended):
        """The JSON values on standard output."""
        decoder, values, text = json.JSONDecoder(), [], ended.out.strip()
        while text:
            value, end = decoder.raw_decode(text)
            values.append(value)
            text = text[end:].strip()
        return values

    def each(self, target, *flags, env=None):
        """(command, how it ended) of all three with these flags."""
        return [(command, self.run_words(command, *self.transport, *flags, target, *operands, env=env))
                for command, operands in OPERANDS.items()]


class OverH2:
    """Before a case of the above: its tests once more, over lgen's own client."""

    transport, over = ("-transport", "h2"), ", over h2"


class Conversation:
    """`lgen call -d @` at a terminal, so to speak: what is written to it is read at once."""

    def __init__(self, target, method, *flags):
        self.process = subprocess.Popen([binary("lgen"), "call", *flags, "-d", "@", target, method],
                                        env=clean_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self.out, self.err = Lines(self.process.stdout), Lines(self.process.stderr)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self.process.stdin.closed:
            self.process.stdin.close()
        self.out.all_until_end()
        self.err.all_until_end()

    def write(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def close(self):
        """No more input; the exit code."""
        self.process.stdin.close()
        return self.process.wait(PATIENCE_SECONDS)


class Recorder(grpc.GenericRpcHandler):
    """A server without reflection that answers every other call with the same, and keeps the metadata it was sent."""

    def __init__(self, reply=b""):
        self._reply = reply
        self.seen = {}  # {method: {name: value}} of the last call each
        self._server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=[("grpc.so_reuseport", 0)])
        self._server.add_generic_rpc_handlers((self,))
        self.target = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.stop(0).wait()

    def service(self, details):
        self.seen[details.method] = dict(details.invocation_metadata)
        if "reflection" in details.method:
            return None
        return grpc.unary_unary_rpc_method_handler(lambda request, context: self._reply)

    def reflection(self):
        return self.seen["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]
